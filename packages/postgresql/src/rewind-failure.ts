/**
 * Why a rewind failed, by what `pg_rewind` and the server that recovers the data say. `passing`: another attempt may succeed, as the
 * connection broke, the other server restarts, or there is no room. `lasting`: no attempt will. `unknown`: it is none of
 * the reasons that are known.
 */
export type RewindFailure = "passing" | "lasting" | "unknown";

const PASSING =
  /no space left|disk quota exceeded|connection|connect to server|could not (receive|send) data|terminating|database system is|starting up|shutting down|too many clients|slots are reserved|timeout expired|timed out|broken pipe|no route to host|network is unreachable|could not translate host name|name resolution|must not be in recovery mode|out of memory|cannot allocate memory|too many open files|resource temporarily unavailable/i;

/** A file that may come from an archive is no such reason: the archive may only be out of reach. */
const LASTING =
  /could not find (common ancestor|previous WAL record)|from different systems|not compatible with this version|needs to use either data checksums|version of pg_rewind|must be shut down cleanly/i;
const FROM_ARCHIVE = /could not restore file|restore_command failed/i;

/** Judges a failure by its output, in English. */
export function judgeRewindFailure(output: string): RewindFailure {
  const errors = errorLines(output).join("\n");
  // The archive's own words say nothing of the connection to the other server.
  if (FROM_ARCHIVE.test(errors)) return "unknown";
  if (PASSING.test(errors)) return "passing";
  return LASTING.test(errors) ? "lasting" : "unknown";
}

/** Returns the line that says why it failed, without what all lines begin with. */
export function describeRewindFailure(output: string): string {
  const line = errorLines(output).at(-1) ?? "it was cut short";
  return line.replace(/^pg_rewind: (error|fatal): /, "");
}

function errorLines(output: string): readonly string[] {
  const lines = output
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "");
  const errors = lines.filter((line) => /error|fatal|panic|could not|can't/i.test(line));
  return errors.length > 0 ? errors : lines.slice(-1);
}
