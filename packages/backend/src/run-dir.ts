import { statSync } from "node:fs";

/** The right of the group, and of everybody, to make and remove files in a folder. */
const WRITE = { group: 0o020, everybody: 0o002 };
const STICKY = 0o1000;

/**
 * Returns what is wrong with the rights of the run folder, if something is: another user could replace the lock file, so
 * that a second run would start beside what is left of a former one. A sticky bit keeps others from that.
 */
export function describeOpenRights(dir: string): string | undefined {
  const { mode } = statSync(dir);
  if ((mode & STICKY) !== 0) return undefined;
  const who =
    (mode & WRITE.everybody) !== 0 ? "everybody" : (mode & WRITE.group) !== 0 ? "its group" : undefined;
  if (who === undefined) return undefined;
  return `MSDHA_RUN_DIR ${dir} can be written to by ${who}, who could replace its files: chmod go-w it`;
}
