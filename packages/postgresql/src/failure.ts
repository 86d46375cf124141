/** A hook can't do its work, for a reason that an operator has to read. Its message is the hook's last line. */
export class HookFailure extends Error {
  override readonly name = "HookFailure";
  readonly code = "ERR_HOOK_FAILURE";
}

/** Throws a `HookFailure` with this message. */
export function fail(message: string, options?: ErrorOptions): never {
  throw new HookFailure(message, options);
}

/** Returns the message of what was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
