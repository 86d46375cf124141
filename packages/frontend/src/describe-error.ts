/** What an error says, in one string for the log; not its causes, which its message tells of where they matter. */
export function describeError(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
