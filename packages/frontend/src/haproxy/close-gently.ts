import { describeError } from "@msdha/app";
import type { Clock } from "@msdha/clock";
import { names, type RuntimeApi } from "@msdha/haproxy-config";
import type { Log } from "@msdha/log";

export interface CloseOptions {
  readonly clock: Clock;
  readonly log: Log;
  /** The names of HAProxy's frontends; default: the one of the first port. */
  readonly frontends?: readonly string[];
  /** How long sessions may go on. */
  readonly graceMs: number;
  /** Ends the wait. */
  readonly hurry: AbortSignal;
}

const LOOK_MS = 100;

/**
 * Refuses new connections and resolves when the last session has ended, the time is over or `hurry` aborts; then
 * what is left can be cut. Never rejects: what can't be closed gently is closed all the same.
 */
export async function closeGently(
  api: Pick<RuntimeApi, "shutdownFrontend" | "showStat">,
  { clock, log, frontends = [names.frontend], graceMs, hurry }: CloseOptions,
): Promise<void> {
  const until = clock.now() + graceMs;
  let left = 0;
  try {
    for (const frontend of frontends) await api.shutdownFrontend(frontend, { signal: hurry });
    for (;;) {
      const rows = await api.showStat({ signal: hurry });
      left = rows
        .filter(({ proxy, server }) => frontends.includes(proxy) && server === "FRONTEND")
        .reduce((sum, { currentSessions }) => sum + currentSessions, 0);
      if (left === 0 || clock.now() >= until) break;
      await clock.sleep(Math.min(LOOK_MS, until - clock.now()), { signal: hurry });
    }
    if (left > 0) log.warn({ sessions: left, graceMs }, "the grace is over: sessions are cut");
  } catch (error) {
    if (hurry.aborted) log.warn({ sessions: left }, "asked to stop at once: sessions are cut");
    else log.warn({ why: describeError(error) }, "HAProxy could not be closed gently");
  }
}
