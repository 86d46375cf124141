import { systemClock } from "@msdha/clock";
import { followGroup, type GroupFollower } from "@msdha/group";
import { CommandError } from "../command-error.ts";
import type { Context, OpenGroup } from "../context.ts";
import { exitCodes } from "../exit-codes.ts";
import { takeBack } from "./take-back.ts";
import type { Request } from "./write-request.ts";

/** A group that is followed as long as one command needs it. */
export interface CommandFollower extends Disposable {
  readonly follower: GroupFollower;
  /** Aborts when the command should end, or is done. */
  readonly signal: AbortSignal;
  /** Whether etcd answered last: if not, the view is what was known before. */
  isUp(): boolean;
}

/** Follows a group until it is disposed of, or the command should end. */
export function followForCommand({ signal: stop }: Context, { client, group }: OpenGroup): CommandFollower {
  const over = new AbortController();
  const signal = AbortSignal.any([stop, over.signal]);
  let isUp = true;
  const follower = followGroup(client, group, {
    clock: systemClock,
    signal,
    onHealth: (up) => {
      isUp = up;
    },
  });
  return {
    follower,
    signal,
    isUp: () => isUp,
    [Symbol.dispose]: () => over.abort(new Error("the command is done")),
  };
}

/** Resolves when a follower has read its group. Rejects with a `CommandError` when etcd does not answer in time. */
export async function untilView(
  { follower, signal }: Pick<CommandFollower, "follower" | "signal">,
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
  /** undefined: nobody is asked, as it has begun by itself. */
  readonly request: Request | undefined;
  readonly isAccepted: boolean;
  /** What is asked for, as messages say it: "the switchover". */
  readonly what: string;
}

/**
 * Resolves when the view changes, or the time is over. A command that is ended meanwhile withdraws its request; rejects with a
 * `CommandError` then, which says whether anything happens.
 */
export async function nextView(
  { follower, signal }: Pick<CommandFollower, "follower" | "signal">,
  { since, leftMs, request, isAccepted, what }: NextViewOptions,
): Promise<void> {
  try {
    await follower.changed({ since, timeoutMs: leftMs, signal });
  } catch (error) {
    const underWay = `${what} goes on without this command: look with msdha list`;
    if (!request) throw new CommandError(exitCodes.unknown, underWay, { cause: error });
    const withdrawn = `${what} is withdrawn: nothing was changed`;
    throw await takeBack(request, { what, isAccepted, withdrawn, underWay });
  }
}
