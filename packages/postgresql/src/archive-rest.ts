import { readdirSync, renameSync } from "node:fs";
import { join } from "node:path";
import type { HookContext } from "./context.ts";
import { isSegment } from "./lsn.ts";

const HISTORY = /^[0-9A-F]{8}\.history$/;
/** Without the timeline. */
const placeOf = (segment: string): string => segment.slice(8);

/**
 * Has the server of a new master archive the log that it received as a standby and that the archive lacks, since the former master had not
 * archived it. A standby marks what it receives as archived; without that mark the server keeps the file and archives it. Knows
 * only MSDHA_PG_ARCHIVE: what a backup tool has can't be listed.
 */
export async function archiveRest({ account, log, run, settings }: HookContext): Promise<void> {
  const { archive, data } = settings;
  if (archive === "") return;
  const { code, stdout, stderr } = await run(["ls", join(archive, "wal")]);
  if (code !== 0) {
    log(`the archive can't be read, so what it lacks is not known: ${stderr.trim()}`);
    return;
  }
  const archived = new Set(stdout.split("\n"));
  // What is older than all of it no base backup needs any more.
  const [oldest = ""] = [...archived].filter(isSegment).map(placeOf).sort();
  const isLacking = (name: string): boolean =>
    !archived.has(name) && (HISTORY.test(name) || (isSegment(name) && placeOf(name) >= oldest));
  const folder = join(data, "pg_wal");
  const status = join(folder, "archive_status");
  const marked = account.act(() =>
    readdirSync(folder)
      .filter(isLacking)
      .sort()
      .filter((name) => replace(join(status, `${name}.done`), join(status, `${name}.ready`))),
  );
  if (marked.length === 0) return;
  log(
    `the former master had not archived ${marked.length} files of the log: archiving ${marked[0]} to ${marked.at(-1)}`,
  );
}

/** Returns false for a file that has no such mark, such as the one that is being written. */
function replace(mark: string, by: string): boolean {
  try {
    renameSync(mark, by);
    return true;
  } catch {
    return false;
  }
}
