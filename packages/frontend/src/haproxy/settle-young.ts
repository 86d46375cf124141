import type { Clock } from "@msdha/clock";
import { names, type RuntimeApi } from "@msdha/haproxy-config";
import { beginWatching, isAtRest, lookAgain, type YoungSession } from "./young-session.ts";

export interface SettleOptions {
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Returns how many processes there are for each processor, 1 at least: login and first row take as many times longer. */
  readonly strain: () => number;
}

/** Sessions of this age are young, in HAProxy's whole seconds: up to two seconds old. */
const YOUNG_SECONDS = 1;
/** The pause between two looks, and at least as long as a look takes: HAProxy has other work. */
const LOOK_MS = 15;
/** With more young sessions than these, looking at them would itself take the time that they need. */
const MOST_WATCHED = 1_000;
const LONGEST_MS = 10_000;

/**
 * Resolves when each session that had just begun has ended, or has had its first answers, after 10 s, or when HAProxy
 * can't be asked. Called when new connections wait already. Rejects with the reason of `signal`.
 */
export async function settleYoung(
  api: Pick<RuntimeApi, "showSessions" | "showProgress">,
  { clock, signal, strain }: SettleOptions,
): Promise<void> {
  const until = clock.now() + LONGEST_MS;
  const slots: readonly string[] = names.slots;

  /** Looks at these sessions at once; those that have ended are left out. */
  async function look(ids: readonly string[], before: readonly YoungSession[] = []): Promise<YoungSession[]> {
    const progress = await api.showProgress(ids, { signal });
    const now = clock.now();
    const known = new Map(before.map((session) => [session.id, session]));
    return ids.flatMap((id) => {
      const found = progress.get(id);
      if (!found || !slots.includes(found.server)) return [];
      const earlier = known.get(id);
      return [earlier ? lookAgain(earlier, found, now) : beginWatching(id, found, now)];
    });
  }

  try {
    const rows = await api.showSessions({ signal });
    const begun = rows.filter(
      ({ server, ageSeconds }) => slots.includes(server) && ageSeconds <= YOUNG_SECONDS,
    );
    // The youngest come last.
    let watched = await look(begun.slice(-MOST_WATCHED).map(({ id }) => id));
    let tookMs = 0;
    while (watched.length > 0 && clock.now() < until) {
      await clock.sleep(Math.max(LOOK_MS, tookMs), { signal });
      const begunAt = clock.now();
      const now = await look(
        watched.map(({ id }) => id),
        watched,
      );
      tookMs = clock.now() - begunAt;
      const strainNow = strain();
      watched = now.filter((session) => !isAtRest(session, clock.now(), strainNow));
    }
  } catch {
    signal.throwIfAborted();
  }
}
