import type { Clock } from "@msdha/clock";
import { names, type RuntimeApi } from "@msdha/haproxy-config";
import { beginWatching, isAtRest, lookAgain, type YoungSession } from "./young-session.ts";

export interface SettleOptions {
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** How many processes there are for each processor, 1 at least: login and first row take as many times longer. */
  readonly strain: number;
}

/** Sessions of this age are young, in HAProxy's whole seconds: up to two seconds old. */
const YOUNG_SECONDS = 1;
const LOOK_MS = 15;
/** With more young sessions than these, looking at each would itself take the time that they need. */
const MOST_WATCHED = 100;
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

  async function look(id: string, before: YoungSession | undefined): Promise<YoungSession | undefined> {
    const progress = await api.showProgress(id, { signal });
    if (!progress || !slots.includes(progress.server)) return undefined;
    const now = clock.now();
    return before ? lookAgain(before, progress, now) : beginWatching(id, progress, now);
  }

  try {
    const rows = await api.showSessions({ signal });
    const begun = rows.filter(
      ({ server, ageSeconds }) => slots.includes(server) && ageSeconds <= YOUNG_SECONDS,
    );
    // The youngest come last.
    let watched: readonly YoungSession[] = await present(
      begun.slice(-MOST_WATCHED).map(({ id }) => look(id, undefined)),
    );
    while (watched.length > 0 && clock.now() < until) {
      await clock.sleep(LOOK_MS, { signal });
      const now = await present(watched.map((session) => look(session.id, session)));
      watched = now.filter((session) => !isAtRest(session, clock.now(), strain));
    }
  } catch {
    signal.throwIfAborted();
  }
}

async function present(
  looks: readonly Promise<YoungSession | undefined>[],
): Promise<readonly YoungSession[]> {
  return (await Promise.all(looks)).filter((session) => session !== undefined);
}
