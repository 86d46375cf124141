import { systemClock } from "@msdha/clock";
import type { GroupFollower } from "@msdha/group";
import { CommandError, refuse } from "../command-error.ts";
import { exitCodes } from "../exit-codes.ts";
import type { Request } from "./write-request.ts";

/** Resolves when a follower has read its group. Rejects with a `CommandError` when etcd does not answer in time. */
export async function untilView(
  follower: GroupFollower,
  signal: AbortSignal,
  timeoutMs: number,
): Promise<void> {
  const until = systemClock.now() + timeoutMs;
  while (follower.view.revision === 0) {
    const leftMs = until - systemClock.now();
    if (leftMs <= 0)
      throw new CommandError(exitCodes.unavailable, "etcd does not answer: nothing was changed");
    await Promise.race([
      follower.changed({ since: follower.view, timeoutMs: leftMs, signal }),
      follower.ended,
    ]);
  }
}

export interface NextViewOptions {
  readonly since: GroupFollower["view"];
  readonly leftMs: number;
  readonly signal: AbortSignal;
  readonly request: Request;
  readonly isAccepted: boolean;
  /** What is asked for, as the message says it: "the switchover". */
  readonly what: string;
}

/**
 * Resolves when the view changes, or the time is over. A command that is ended meanwhile withdraws its request; rejects with a
 * `CommandError` then, which says whether anything happens.
 */
export async function nextView(
  follower: GroupFollower,
  { since, leftMs, signal, request, isAccepted, what }: NextViewOptions,
): Promise<void> {
  try {
    await follower.changed({ since, timeoutMs: leftMs, signal });
  } catch (error) {
    if (!isAccepted && (await request.withdraw())) throw refuse("withdrawn: nothing was changed");
    const text = `${what} goes on without this command: look with msdha list`;
    throw new CommandError(exitCodes.unknown, text, { cause: error });
  }
}
