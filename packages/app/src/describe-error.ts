/** Returns the message of an error, or what else was thrown as text, for the log. Causes are not part of it. */
export function describeError(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
