import { readFileSync, statSync } from "node:fs";
import { dirname } from "node:path";

/** Whom HAProxy runs as instead of root. */
export interface HaproxyUser {
  readonly uid: number;
  readonly gid: number;
}

export interface UserSources {
  readonly uid?: number | undefined;
  readonly statusFile?: string;
  readonly passwdFile?: string;
}

/** What root needs to start a program as another user, to kill it, and to reach its files. */
const NEEDED = { CHOWN: 0, DAC_OVERRIDE: 1, KILL: 5, SETGID: 6, SETUID: 7 } as const;
const NOBODY: HaproxyUser = { uid: 65_534, gid: 65_534 };

/**
 * The user that HAProxy should run as, with files in `runDir`: `haproxy` of the system's users, else 65534, when this
 * process is root; undefined when it is not. Throws an error that says what keeps root from it: a missing capability, or
 * a folder that other users can't enter.
 */
export function findHaproxyUser(
  runDir: string,
  {
    uid = process.getuid?.(),
    statusFile = "/proc/self/status",
    passwdFile = "/etc/passwd",
  }: UserSources = {},
): HaproxyUser | undefined {
  if (uid !== 0) return undefined;
  const [, hex = "0"] = /^CapEff:\s*([\da-f]+)$/m.exec(readOr(statusFile, "")) ?? [];
  const effective = BigInt(`0x${hex}`);
  const missing = Object.entries(NEEDED).filter(([, bit]) => ((effective >> BigInt(bit)) & 1n) === 0n);
  if (missing.length > 0) throw new Error(`no ${missing.map(([name]) => `CAP_${name}`).join(", ")}`);
  for (let folder = runDir; ; folder = dirname(folder)) {
    if ((statSync(folder).mode & 0o001) === 0) throw new Error(`other users can't enter ${folder}`);
    if (folder === dirname(folder)) break;
  }
  const [, own, group] = /^haproxy:[^:]*:(\d+):(\d+):/m.exec(readOr(passwdFile, "")) ?? [];
  return own && group && Number(own) > 0 ? { uid: Number(own), gid: Number(group) } : NOBODY;
}

function readOr(file: string, otherwise: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return otherwise;
  }
}
