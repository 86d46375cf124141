import { execFileSync, spawnSync } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { userInfo } from "node:os";
import { fail } from "./failure.ts";

/** The user that the server runs as. A helper that runs as root works on the data as that user. */
export interface Account {
  readonly userName: string;
  /** What goes before a command, to run it as that user. */
  readonly prefix: readonly string[];
  /** Runs something on files, or opens a connection, as that user. It must be done when it returns. */
  act<T>(action: () => T): T;
  /** Returns whether that user may do this with a file: `r`, `w` or `x`. */
  may(what: "r" | "w" | "x", path: string): boolean;
}

interface Ids {
  readonly uid: number;
  readonly gid: number;
  readonly groups: readonly number[];
}

/** Returns the account of the user `osUser` where this process runs as root, and its own otherwise. */
export function openAccount(osUser: string): Account {
  if (process.geteuid?.() !== 0) {
    return {
      userName: userInfo().username,
      prefix: [],
      act: (action) => action(),
      may: (what, path) => canAccess(what, path),
    };
  }
  const ids = idsOf(osUser);
  const prefix = ["setpriv", `--reuid=${ids.uid}`, `--regid=${ids.gid}`, "--init-groups", "--"];
  return {
    userName: osUser,
    prefix,
    act: (action) => actAs(ids, action),
    // access(2) asks for the real user, which stays root.
    may: (what, path) =>
      spawnSync(prefix[0] ?? "", [...prefix.slice(1), "test", `-${what}`, path], { stdio: "ignore" })
        .status === 0,
  };
}

const known = new Map<string, Ids>();

function idsOf(user: string): Ids {
  const found = known.get(user);
  if (found) return found;
  const ask = (option: string): readonly number[] =>
    execFileSync("id", [option, user], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] })
      .trim()
      .split(" ")
      .map(Number);
  try {
    const ids = { uid: ask("-u")[0] ?? -1, gid: ask("-g")[0] ?? -1, groups: ask("-G") };
    known.set(user, ids);
    return ids;
  } catch (error) {
    return fail(`MSDHA_PG_OS_USER: there is no user ${user}`, { cause: error });
  }
}

/** Nothing else of this process runs meanwhile: the action is synchronous, and nothing here leaves work to threads. */
function actAs<T>({ uid, gid, groups }: Ids, action: () => T): T {
  if (process.geteuid?.() === uid) return action();
  const before = process.getgroups?.() ?? [];
  const gidBefore = process.getegid?.() ?? 0;
  process.setgroups?.([...groups]);
  process.setegid?.(gid);
  process.seteuid?.(uid);
  try {
    return action();
  } finally {
    process.seteuid?.(0);
    process.setegid?.(gidBefore);
    process.setgroups?.(before);
  }
}

function canAccess(what: "r" | "w" | "x", path: string): boolean {
  const mode = { r: constants.R_OK, w: constants.W_OK, x: constants.X_OK }[what];
  try {
    accessSync(path, mode);
    return true;
  } catch {
    return false;
  }
}
