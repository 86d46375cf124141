import { getSystemErrorName } from "node:util";
import type { Roll } from "./protocol.ts";

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
