import { isEtcdError } from "@msdha/etcd-client";
import { type ExitCode, exitCodes } from "./exit-codes.ts";

/** Ends the command with this exit code and one line for each line of the message. */
export class CommandError extends Error {
  override readonly name = "CommandError";
  readonly code = "ERR_COMMAND";
  readonly exitCode: ExitCode;

  constructor(exitCode: ExitCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.exitCode = exitCode;
  }
}

/** The error of something that is refused: nothing was changed. */
export function refuse(message: string): CommandError {
  return new CommandError(exitCodes.refused, message);
}

/** Returns an error of etcd, or any other, as one that says how the command ends. */
export function asCommandError(error: unknown): CommandError {
  if (error instanceof CommandError) return error;
  const message = error instanceof Error ? error.message : String(error);
  if (isEtcdError(error, "ERR_ETCD_AUTH"))
    return new CommandError(
      exitCodes.notPermitted,
      `etcd refuses this user: ${message}; docs/etcd-keys.md has the roles that it needs`,
    );
  if (isEtcdError(error, "ERR_ETCD_UNAVAILABLE"))
    return new CommandError(exitCodes.unavailable, `etcd does not answer: ${message}`);
  if (isEtcdError(error, "ERR_ETCD_CLUSTER")) return new CommandError(exitCodes.configuration, message);
  return new CommandError(exitCodes.unknown, message);
}
