import { constants } from "node:fs";
import { access, lstat, stat } from "node:fs/promises";
import { basename, join } from "node:path";
import { HookNotRunnableError } from "./errors.ts";

/**
 * Resolves with the file of a hook in a folder, or undefined when there is none. Rejects with a `HookNotRunnableError` when the name
 * is there but is no executable file, so that no hook is skipped silently; with a `TypeError` for a name with a `/`.
 */
export async function findHook(dir: string, hook: string): Promise<string | undefined> {
  if (hook !== basename(hook) || hook === ".." || hook === "." || hook === "") {
    throw new TypeError(`expected the name of a file in ${dir}, got ${JSON.stringify(hook)}`);
  }
  const file = join(dir, hook);
  try {
    if (!(await stat(file)).isFile()) throw new HookNotRunnableError(hook, file, "it is not a file");
    await access(file, constants.X_OK);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT") return await refuseDeadLink(hook, file);
    if (code === "ENOTDIR") throw new HookNotRunnableError(hook, file, `${dir} is no folder`);
    if (code === "EACCES") throw new HookNotRunnableError(hook, file, "it is not executable (chmod +x)");
    throw error;
  }
  return file;
}

/** Rejects if there is a name that leads to no file; resolves with undefined if there is no such name. */
async function refuseDeadLink(hook: string, file: string): Promise<undefined> {
  const isMissing = (error: NodeJS.ErrnoException): boolean => error.code === "ENOENT";
  const isLink = await lstat(file).then(
    (found) => found.isSymbolicLink(),
    () => false,
  );
  // Once more: it may have been put there in this moment.
  if (isLink && (await stat(file).then(() => false, isMissing)))
    throw new HookNotRunnableError(hook, file, "it is a link to a file that is not there");
}
