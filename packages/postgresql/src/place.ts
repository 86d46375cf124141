import {
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readlinkSync,
  renameSync,
  rmdirSync,
  rmSync,
  statSync,
} from "node:fs";
import { dirname, join, resolve } from "node:path";
import type { HookContext } from "./context.ts";
import { fail } from "./failure.ts";
import { makeFolders, syncFolder } from "./files.ts";
import { removeInParent } from "./folders.ts";
import { markFile } from "./rejoin-mark.ts";

/*
 * New data are made in a temporary folder beside the data directory and renamed when they are whole. Only that folder,
 * which carries our mark, is ever removed; data that have to give way are kept under another name.
 */

/** The folder in which new data are made. */
export function temporaryFolder({ settings }: Pick<HookContext, "settings">): string {
  return `${settings.data}.msdha-new`;
}

/** The new data in it. */
export function newData(context: Pick<HookContext, "settings">): string {
  return join(temporaryFolder(context), "data");
}

/** In the temporary folder: an `initdb` that is done and waits for its claim. */
export function initialisedMark(context: Pick<HookContext, "settings">): string {
  return join(temporaryFolder(context), "initialised");
}

export function hasData({ files, settings: { data } }: HookContext): boolean {
  return files.exists(join(data, "PG_VERSION")) && files.exists(join(data, "global/pg_control"));
}

/** Makes sure that data can be put where they belong. Throws a `HookFailure` where they can't; what is there stays. */
export async function preparePlace(context: HookContext): Promise<void> {
  const { account, settings } = context;
  const { data, parent } = settings;
  if (!isFolder(parent)) attempt(() => makeFolders(parent), `PGDATA: can't create ${parent}`);
  if (!account.may("x", parent)) fail(`PGDATA: the user ${account.userName} can't enter ${parent}`);
  if (hasData(context)) return;
  if (context.files.exists(join(parent, "PG_VERSION"))) {
    fail(
      `PGDATA: ${parent} itself holds PostgreSQL's data, as a volume of another image does, and no new cluster is made ` +
        `beside them. To take them into use, move what is in it into ${data}, while no server runs`,
    );
  }
  if (existsSync(data)) {
    if (!isFolder(data)) fail(`PGDATA: ${data} is not a folder`);
    const names = attempt(
      () => context.inParent(() => readdirSync(data)),
      `PGDATA: the user ${account.userName} can't read ${data}`,
    );
    if (names.length > 0) {
      fail(`PGDATA: ${data} is neither empty nor a PostgreSQL data directory; it is left as it is`);
    }
    attempt(
      () => context.inParent(() => rmdirSync(data)),
      `PGDATA: ${data} can't be replaced; where it is a mount point, set PGDATA to a folder inside of it`,
    );
  }
}

/** Removes what an earlier start has left in the temporary folder, and sees that it can be made. */
export async function clearPlace(context: HookContext): Promise<void> {
  await clearTemporary(context);
  newTemporary(context);
  if (!context.files.exists(initialisedMark(context))) await clearTemporary(context);
}

/** Makes the temporary folder, where there is none. Throws a `HookFailure` where somebody else's is in its place. */
export function newTemporary(context: HookContext): void {
  const { account, settings } = context;
  const folder = temporaryFolder(context);
  if (isFolder(folder)) {
    if (isOurs(context)) return;
    removeEmpty(context, folder);
  }
  attempt(
    () => context.inParent(() => mkdirSync(folder, { mode: 0o700 })),
    `PGDATA: the user ${account.userName} can't write to ${settings.parent}`,
  );
  giveToServer(context, folder);
  context.files.write(temporaryMark(context), "");
}

/** Returns whether the temporary folder is one that MSDHA has made. */
export function isOurs(context: Pick<HookContext, "files" | "settings">): boolean {
  return context.files.exists(temporaryMark(context));
}

function temporaryMark(context: Pick<HookContext, "settings">): string {
  return join(temporaryFolder(context), "msdha-temporary");
}

function removeEmpty(context: HookContext, folder: string): void {
  attempt(() => context.inParent(() => rmdirSync(folder)), `PGDATA: ${folder} is in the way and not ours`);
}

/** As root: gives what root has made to the server's user. */
export function giveToServer({ account }: HookContext, path: string): void {
  const { uid, gid } = account.act(() => ({
    uid: process.geteuid?.() ?? -1,
    gid: process.getegid?.() ?? -1,
  }));
  if (process.geteuid?.() === 0) chownSync(path, uid, gid);
}

/** Removes what a cut `initdb` or clone left; a finished `initdb` is kept for its claim. */
export async function clearTemporary(context: HookContext): Promise<void> {
  const folder = temporaryFolder(context);
  if (!isFolder(folder) || context.files.exists(initialisedMark(context))) return;
  if (isOurs(context)) await removeInParent(context, folder);
  else removeEmpty(context, folder);
}

/** Puts new data in their place. They are there after a power failure too. */
export async function takeIntoUse(context: HookContext): Promise<void> {
  const { data, parent } = context.settings;
  // What a clone brought along of its master's.
  for (const name of ["msdha.master", "msdha-sync.conf"]) context.files.remove(join(newData(context), name));
  await context.lockNewData?.(newData(context));
  context.inParent(() => {
    renameSync(newData(context), data);
    rmSync(markFile(context), { force: true });
    syncFolder(parent);
  });
  await removeInParent(context, temporaryFolder(context));
}

/** Keeps data that can't be used any more under another name. */
export function setAside(context: HookContext): void {
  const { data } = context.settings;
  const aside = `${data}.msdha-old-${timestamp()}`;
  const log = logFolder(context);
  context.inParent(() => renameSync(data, aside));
  const andLog = log.startsWith(`${data}/`) ? "" : ` and ${log}`;
  context.log(`the old data are kept in ${aside}${andLog}; remove them when nothing in them is missed`);
}

/** Returns the folder that has the log of the data: of a volume of its own, where `pg_wal` is a link. */
export function logFolder({ account, settings }: Pick<HookContext, "account" | "settings">): string {
  const log = join(settings.data, "pg_wal");
  return account.act(() =>
    lstatSync(log).isSymbolicLink() ? resolve(settings.data, readlinkSync(log)) : log,
  );
}

/** Returns the local time as YYYYMMDDTHHMMSS. */
export function timestamp(): string {
  const now = new Date();
  const digits = (value: number): string => String(value).padStart(2, "0");
  return `${now.getFullYear()}${digits(now.getMonth() + 1)}${digits(now.getDate())}T${[now.getHours(), now.getMinutes(), now.getSeconds()].map(digits).join("")}`;
}

/** Makes the folder of the socket and the password file, which only the server's user and root enter. */
export function prepareHome(context: HookContext): void {
  const { home } = context.settings;
  makeFolders(dirname(home));
  if (!isFolder(home)) mkdirSync(home, { mode: 0o700 });
  giveToServer(context, home);
}

function isFolder(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch {
    return exists(path);
  }
}

/** Something that this process may not look at is there all the same. */
function exists(path: string): boolean {
  try {
    return lstatSync(path).isDirectory();
  } catch {
    return false;
  }
}

function attempt<T>(action: () => T, complaint: string): T {
  try {
    return action();
  } catch (error) {
    return fail(complaint, { cause: error });
  }
}
