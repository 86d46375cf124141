import type { SettingsError } from "@msdha/settings";
import { exitCodes } from "./exit-codes.ts";

/** Prints what is wrong with the settings, one line each, to standard error. Returns the exit code that says so. */
export function refuseSettings(program: string, { message }: SettingsError): number {
  for (const line of message.split("\n")) process.stderr.write(`${program}: ${line}\n`);
  return exitCodes.configuration;
}
