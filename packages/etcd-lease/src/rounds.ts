import { type Clock, notNeeded } from "@msdha/clock";

export interface RoundsOptions {
  readonly clock: Clock;
  /** When the first try starts; at once if that is past. */
  readonly firstAt: number;
  /** From the start of one try to the start of the next. */
  readonly everyMs: number;
  /** How soon a try follows one that failed. */
  readonly retryMs: number;
  /** Ends the rounds: tries that are under way are aborted and no sleep is left. */
  readonly signal: AbortSignal;
  /** Called for every try that failed before the rounds ended. */
  readonly onFailure: (error: unknown) => void;
}

export interface Rounds {
  /** Starts a try at once; the next one follows `everyMs` later. */
  startNow(): void;
}

/** Two rounds can be slow at once and one started by hand; beyond that the oldest one is given up. */
const MOST_UNDER_WAY = 4;

/**
 * Tries the same thing again and again. A try that takes long does not hold up the next one, so that one lost answer
 * costs no more than one round; one that succeeds ends the older ones.
 */
export function startRounds(
  attempt: (signal: AbortSignal) => Promise<void>,
  { clock, firstAt, everyMs, retryMs, signal, onFailure }: RoundsOptions,
): Rounds {
  const underWay = new Set<AbortController>();
  let latest: AbortController | undefined;
  let timer = new AbortController();
  let nextAt = 0;

  function startNow(): void {
    if (signal.aborted) return;
    const own = new AbortController();
    const [oldest] = underWay;
    if (oldest && underWay.size >= MOST_UNDER_WAY) giveUp(oldest);
    underWay.add(own);
    latest = own;
    startIn(everyMs);
    attempt(own.signal).then(
      () => succeeded(own),
      (error: unknown) => failed(own, error),
    );
  }

  function startIn(ms: number): void {
    timer.abort(notNeeded);
    timer = new AbortController();
    nextAt = clock.now() + ms;
    clock.sleep(ms, { signal: timer.signal }).then(startNow, () => {});
  }

  function succeeded(own: AbortController): void {
    if (!underWay.has(own)) return;
    for (const each of underWay) {
      if (each === own) break;
      giveUp(each);
    }
    underWay.delete(own);
  }

  function failed(own: AbortController, error: unknown): void {
    if (!underWay.delete(own)) return;
    onFailure(error);
    if (own === latest && !signal.aborted) startIn(Math.min(retryMs, nextAt - clock.now()));
  }

  function giveUp(own: AbortController): void {
    underWay.delete(own);
    own.abort(notNeeded);
  }

  signal.addEventListener(
    "abort",
    () => {
      timer.abort();
      for (const each of underWay) giveUp(each);
    },
    { once: true },
  );
  startIn(firstAt - clock.now());
  return { startNow };
}
