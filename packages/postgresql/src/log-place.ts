import { existsSync, mkdirSync, realpathSync, renameSync, rmSync, symlinkSync } from "node:fs";
import { join, resolve } from "node:path";
import type { HookContext } from "./context.ts";
import { fail } from "./failure.ts";
import { removeFolders, writeOut } from "./folders.ts";
import { logFolder, timestamp } from "./place.ts";

/*
 * With MSDHA_PG_WAL_DIR the log is in a folder of that volume, and `pg_wal` in the data directory is a link to it. Each data directory
 * has a folder of its own there: data that are put aside keep theirs.
 */

/** Throws a `HookFailure` where the log can't be put where it is to be. */
export function checkLogPlace({ account, settings }: HookContext): void {
  const { data, walDir } = settings;
  if (walDir === "") return;
  if (!walDir.startsWith("/")) fail(`MSDHA_PG_WAL_DIR: expected an absolute path, got ${walDir}`);
  if (`${resolve(walDir)}/`.startsWith(`${resolve(data)}/`)) {
    fail(`MSDHA_PG_WAL_DIR: expected a folder outside of PGDATA, got ${walDir}`);
  }
  if (!existsSync(walDir)) fail(`MSDHA_PG_WAL_DIR: there is no folder ${walDir}`);
  if (!account.may("w", walDir)) {
    fail(`MSDHA_PG_WAL_DIR: the user ${account.userName} can't write to ${walDir}`);
  }
}

/**
 * Moves the log of data that do not run to its volume, if it is not there. Safe to run again after it was cut short anywhere. Rejects
 * with a `HookFailure`, the data as they were, where it can't.
 */
export async function placeLog(context: HookContext): Promise<void> {
  const { account, settings } = context;
  const { data, walDir } = settings;
  const log = join(data, "pg_wal");
  const old = `${log}.msdha-old`;
  account.act(() => {
    if (existsSync(old) && !existsSync(log)) renameSync(old, log);
  });
  await removeFolders(context, [old]);
  if (walDir === "" || isIn(context, walDir)) return;
  checkLogPlace(context);
  using _ = context.activity.begin("moving the log to its volume");
  const before = logFolder(context);
  const folder = join(walDir, `pg_wal-${timestamp()}`);
  context.log(`moving the log from ${before} to ${folder} (MSDHA_PG_WAL_DIR)`);
  const draft = join(walDir, "msdha-new");
  await removeFolders(context, [draft]);
  account.act(() => mkdirSync(draft, { mode: 0o700 }));
  const { code, stderr } = await context.run(["cp", "-a", `${log}/.`, draft]);
  if (code !== 0) {
    await removeFolders(context, [draft]);
    fail(`MSDHA_PG_WAL_DIR: the log can't be copied to ${walDir}: ${stderr.trim().split("\n").at(-1)}`);
  }
  account.act(() => renameSync(draft, folder));
  await writeOut(context, folder);
  account.act(() => {
    const link = `${log}.msdha-new`;
    rmSync(link, { force: true });
    symlinkSync(folder, link);
    renameSync(log, old);
    renameSync(link, log);
  });
  await writeOut(context, data);
  await removeFolders(context, [old]);
  if (before !== log) context.log(`the log that was in ${before} is not used any more: remove that folder`);
}

function isIn(context: HookContext, walDir: string): boolean {
  const folder = logFolder(context);
  return (
    existsSync(walDir) && existsSync(folder) && realpathSync(folder).startsWith(`${realpathSync(walDir)}/`)
  );
}
