import { hostname } from "node:os";

/** Returns the name of a holder that gives none: where it runs. */
export function defaultName(): string {
  return `${hostname()}/${process.pid}`;
}
