import { constants } from "node:fs";
import { access, lstat, stat } from "node:fs/promises";
import { basename, resolve } from "node:path";
import { getSystemErrorMessage } from "node:util";
import { HookNotRunnableError } from "./errors.ts";

/** The right of anybody to execute a file. */
const EXECUTE = 0o111;

/**
 * Resolves with the absolute path of a hook in a folder, or undefined when there is none. Rejects with a `HookNotRunnableError` when the name
 * is there but is no executable file, or when the system can't tell, so that no hook is skipped silently; with a `TypeError`
 * for a name with a `/` or a null byte.
 */
export async function findHook(dir: string, hook: string): Promise<string | undefined> {
  if (hook !== basename(hook) || hook === ".." || hook === "." || hook === "" || hook.includes("\0")) {
    throw new TypeError(`expected the name of a file in ${dir}, got ${JSON.stringify(hook)}`);
  }
  // A relative path would be looked for below the hook's own folder, and a bare name in the PATH.
  const file = resolve(dir, hook);
  const refuse = (why: string, cause?: unknown): never => {
    throw new HookNotRunnableError(hook, file, why, cause === undefined ? {} : { cause });
  };
  const found = await stat(file).catch(async (error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return (await isDeadLink(file)) ? refuse(DEAD_LINK, error) : undefined;
    return refuse(await explainStat(error, { dir, file }), error);
  });
  if (!found) return undefined;
  if (!found.isFile()) refuse("it is not a file");
  const isMeant = (found.mode & EXECUTE) !== 0;
  return await access(file, constants.X_OK).then(
    () => file,
    (error: NodeJS.ErrnoException) => {
      if (isMissing(error)) return undefined; // it has just been removed
      if (error.code !== "EACCES") return refuse(describeError(error), error);
      return refuse(isMeant ? FORBIDDEN : "it is not executable (chmod +x)", error);
    },
  );
}

const DEAD_LINK = "it is a link to a file that is not there";
const FORBIDDEN = "this user may not execute it, or nobody may on this file system (noexec)";

async function explainStat(
  error: NodeJS.ErrnoException,
  { dir, file }: { readonly dir: string; readonly file: string },
): Promise<string> {
  switch (error.code) {
    case "ELOOP":
      return "it is a link that leads back to itself";
    case "ENOTDIR":
      return (await isLink(file)) ? DEAD_LINK : `${dir} is no folder`;
    case "EACCES":
      return "this user may not enter the folder that it is in";
    default:
      return describeError(error);
  }
}

function describeError({ code, errno, message }: NodeJS.ErrnoException): string {
  return code === undefined || errno === undefined ? message : `${getSystemErrorMessage(errno)} (${code})`;
}

/** Whether there is a name that leads to no file, rather than no such name. */
async function isDeadLink(file: string): Promise<boolean> {
  // Once more: it may have been put there in this moment.
  return (await isLink(file)) && (await stat(file).then(() => false, isMissing));
}

function isMissing({ code }: NodeJS.ErrnoException): boolean {
  return code === "ENOENT";
}

async function isLink(file: string): Promise<boolean> {
  return await lstat(file).then(
    (found) => found.isSymbolicLink(),
    () => false,
  );
}
