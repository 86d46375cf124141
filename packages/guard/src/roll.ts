import { getSystemErrorName } from "node:util";

/** A process in a roll; `errno` is why it could not be reached, 0 if it was. */
export interface RollEntry {
  readonly pid: number;
  readonly user: number;
  readonly errno: number;
  readonly name: string;
}

/** How many processes something was done to, and some of them. */
export interface Roll {
  readonly reached: number;
  readonly denied: number;
  readonly some: readonly RollEntry[];
}

/** A process that descends from what was started. */
export interface GuardedName {
  readonly pid: number;
  /** What the kernel calls it: the first 15 bytes of its program's name, or what it calls itself. */
  readonly name: string;
}

/** One that the guard may not signal. */
export interface DeniedProcess extends GuardedName {
  /** The number of the user that it runs as; -1 when it ended meanwhile. */
  readonly user: number;
  /** The system's name for why not, as a rule "EPERM". */
  readonly errno: string;
}

/** What a signal reached. */
export interface SignalReport {
  /** How many processes were alive and got it. */
  readonly reached: number;
  /** Up to eight of them. */
  readonly someReached: readonly GuardedName[];
  /** How many may not be signalled. */
  readonly denied: number;
  /** Up to eight of them. */
  readonly someDenied: readonly DeniedProcess[];
}

/** What had to be killed. */
export interface KillReport {
  /** How many processes ended by SIGKILL since everything had begun to be killed. */
  readonly killed: number;
  /** Up to eight of them. */
  readonly someKilled: readonly GuardedName[];
}

export function signalReport({ reached, denied, some }: Roll): SignalReport {
  return {
    reached,
    someReached: some.filter(({ errno }) => errno === 0).map(({ pid, name }) => ({ pid, name })),
    denied,
    someDenied: some
      .filter(({ errno }) => errno !== 0)
      .map(({ pid, user, errno, name }) => ({
        pid,
        name,
        user: user === 0xffff_ffff ? -1 : user,
        errno: getSystemErrorName(-errno),
      })),
  };
}

export function killReport(roll: Roll): KillReport {
  const { reached, someReached } = signalReport(roll);
  return { killed: reached, someKilled: someReached };
}

/** Reads a roll (c/guard.h) from `start` to the end. */
export function decodeRoll(bytes: Buffer, start: number): Roll {
  const some: RollEntry[] = [];
  for (let at = start + 8; at < bytes.length; ) {
    const end = bytes.indexOf(0, at + 12);
    if (end < 0) throw new RangeError("expected a name that ends, got none");
    some.push({
      pid: bytes.readUInt32LE(at),
      user: bytes.readUInt32LE(at + 4),
      errno: bytes.readInt32LE(at + 8),
      name: bytes.toString("utf8", at + 12, end),
    });
    at = end + 1;
  }
  return { reached: bytes.readUInt32LE(start), denied: bytes.readUInt32LE(start + 4), some };
}
