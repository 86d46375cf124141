export { asCommandError, CommandError } from "./command-error.ts";
export type { Context } from "./context.ts";
export { exitCodes } from "./exit-codes.ts";
export { runMsdha } from "./run-msdha.ts";
