import { isUtf8 } from "node:buffer";
import { readdir } from "node:fs/promises";
import { resolve } from "node:path";
import { HookNotRunnableError } from "./errors.ts";

/**
 * Resolves with the names of the hooks in a folder, in order; with none where there is no such folder. Rejects with a
 * `HookNotRunnableError` for a name that is no UTF-8: no text leads to that file, and it would be skipped silently.
 */
export async function listHooks(dir: string): Promise<readonly string[]> {
  const names = await readdir(dir, { encoding: "buffer" }).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return [];
    throw error;
  });
  const hooks = names.filter((name) => name.toString("latin1", 0, 1) !== ".");
  const odd = hooks.find((name) => !isUtf8(name));
  if (odd) {
    const shown = odd.toString();
    throw new HookNotRunnableError(shown, resolve(dir, shown), "its name is no UTF-8");
  }
  return hooks.map((name) => name.toString()).toSorted();
}
