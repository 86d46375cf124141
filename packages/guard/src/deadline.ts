import type { Clock } from "@msdha/clock";
import type { Channel } from "./channel.ts";
import type { ClockOffset } from "./clock-offset.ts";
import { GuardPastDeadlineError } from "./errors.ts";
import type { Guard } from "./guard.ts";
import { type DeadlineTimes, encodeDeadline } from "./protocol.ts";

/** Returns a time on our clock as a guard takes it, whose clock is so far ahead of ours; undefined: no deadline. */
export function deadlineTimes(
  at: number | undefined,
  { now, ahead }: { readonly now: number; readonly ahead: number },
): DeadlineTimes | undefined {
  if (at === undefined || at === Number.POSITIVE_INFINITY) return undefined;
  return { at: at + ahead, in: at - now };
}

/**
 * Makes what sets a guard's deadline. It is sent both as a time on the guard's clock and as "so long from now", and the
 * guard takes the sooner: the one is too late if our clock has leapt forward, the other if it missed a suspend.
 */
export function createDeadline(
  channels: readonly Channel[],
  {
    clock,
    offset,
    ending,
  }: { readonly clock: Clock; readonly offset: ClockOffset; readonly ending: AbortSignal },
): Guard["setDeadline"] {
  return async (at) => {
    if (at !== undefined && (typeof at !== "number" || Number.isNaN(at)))
      throw new TypeError(`expected a time in milliseconds, got ${String(at)}`);
    ending.throwIfAborted();
    const times = deadlineTimes(at, { now: clock.now(), ahead: offset.ahead });
    const answers = await Promise.all(
      channels.map((channel) => channel.request("deadline", (request) => encodeDeadline(request, times))),
    );
    if (answers.some((answer) => answer?.type === "ack" && answer.refused))
      throw new GuardPastDeadlineError();
  };
}
