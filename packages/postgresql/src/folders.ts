import type { HookContext } from "./context.ts";
import { fail } from "./failure.ts";
import { type ProgramResult, runProgram } from "./run-program.ts";

/*
 * What may take minutes with a whole folder, or on a file system that hangs. A program does it: the helper goes on answering,
 * also the `alive` hook, for want of whose answer a node ends.
 */

/**
 * The log of a data directory may be on another file system. A `sync` that does not know `-f` says nothing of errors; one that does is
 * not asked again in that way, which would hide them.
 */
const WRITE_OUT = `[ ! -e "$1/pg_wal" ] || set -- "$1" "$1/pg_wal"
case $(sync --help 2>&1) in
  *-f* | *-df*) sync -f "$@" ;;
  *) sync ;;
esac`;

/** Resolves when a file or folder, with all that is in it, is on the disk: the whole file system at once. */
export async function writeOut({ env, signal }: HookContext, path: string): Promise<void> {
  const { code, stderr } = await runProgram(["sh", "-c", WRITE_OUT, "sh", path], { env, signal });
  signal.throwIfAborted();
  if (code !== 0) fail(`can't write ${path} to the disk: ${stderr.trim().split("\n").at(-1)}`);
}

/** Removes files and folders, with all that is in them, as the server's user. Rejects with a `HookFailure` where it can't. */
export async function removeFolders(context: HookContext, paths: readonly string[]): Promise<void> {
  if (paths.length === 0) return;
  finish(context, await context.run(removeCommand(paths)), paths);
}

/** The same beside the data directory, as the server's user where that may write there. */
export async function removeInParent(context: HookContext, path: string): Promise<void> {
  const { account, env, settings, signal } = context;
  const prefix = account.may("w", settings.parent) ? account.prefix : [];
  finish(context, await runProgram([...prefix, ...removeCommand([path])], { env, signal }), [path]);
}

function removeCommand(paths: readonly string[]): readonly string[] {
  return ["rm", "-rf", "--", ...paths];
}

function finish({ signal }: HookContext, { code, stderr }: ProgramResult, paths: readonly string[]): void {
  signal.throwIfAborted();
  if (code !== 0) fail(`can't remove ${paths.join(", ")}: ${stderr.trim().split("\n").at(-1)}`);
}
