import { accessSync, constants, existsSync, mkdirSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { SettingsError } from "@msdha/settings";

/** The right of the group, and of everybody, to make and remove files in a folder. */
const WRITE = { group: 0o020, everybody: 0o002 };
const STICKY = 0o1000;

/** Makes the run folder if it is missing. Throws a `SettingsError` if it can't be written to. */
export function openRunDir(dir: string): void {
  try {
    makeFolder(dir);
    accessSync(dir, constants.W_OK | constants.X_OK);
  } catch (error) {
    const why = (error as NodeJS.ErrnoException).code ?? String(error);
    throw new SettingsError([
      { variable: "MSDHA_RUN_DIR", expected: `a folder that can be written to (${why})`, got: dir },
    ]);
  }
}

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

/** Like `mkdirSync` with `recursive`, which never returns for a folder that can't be made below `/proc`. */
function makeFolder(dir: string): void {
  if (existsSync(dir)) return;
  makeFolder(dirname(dir));
  mkdirSync(dir);
}
