import { accessSync, constants, existsSync, mkdirSync } from "node:fs";
import { dirname } from "node:path";
import { SettingsError } from "@msdha/settings";

/** Creates the folder of `MSDHA_RUN_DIR` if it is missing. Throws a `SettingsError` when it can't be written to. */
export function openRunFolder(dir: string): void {
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

/** Like `mkdirSync` with `recursive`, which never returns for a folder that can't be made below `/proc`. */
function makeFolder(dir: string): void {
  if (existsSync(dir)) return;
  makeFolder(dirname(dir));
  mkdirSync(dir);
}
