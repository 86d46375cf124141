import type { Clock } from "@msdha/clock";
import type { Channel } from "./channel.ts";
import { encodeRequest } from "./protocol.ts";

const BEATS = 4;

/**
 * Pings a process of the guard; resolves with true when it has not answered for `silentMs`, with false when `signal`
 * aborts. The time is counted in beats of a quarter, between which this process reads what has come: one whose event
 * loop was blocked, or which was frozen, takes that for one beat, not for a silent guard.
 */
export async function watchSilence(
  channel: Channel,
  {
    clock,
    silentMs,
    signal,
  }: { readonly clock: Clock; readonly silentMs: number; readonly signal: AbortSignal },
): Promise<boolean> {
  let waiting = false;
  let missed = 0;
  while (!signal.aborted) {
    if (!waiting) {
      waiting = true;
      missed = 0;
      channel
        .request("ping", (request) => encodeRequest("ping", request))
        .then(
          () => {
            waiting = false;
          },
          () => {},
        );
    }
    try {
      await clock.sleep(silentMs / BEATS, { signal });
    } catch {
      return false;
    }
    if (waiting) missed += 1;
    if (missed >= BEATS) return true;
  }
  return false;
}
