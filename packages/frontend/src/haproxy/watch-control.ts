import { type Clock, notNeeded } from "@msdha/clock";
import type { RuntimeApi } from "@msdha/haproxy-config";

export interface WatchControlOptions {
  readonly clock: Clock;
  /** Ends the watch. */
  readonly signal: AbortSignal;
  /** Since when HAProxy has refused to be led where it should go; undefined while it does what it should. */
  readonly troubleSince: () => number | undefined;
  /** Whether HAProxy is where it should be, as far as is known. */
  readonly settled: () => boolean;
  /** Called with the reason when HAProxy is to be replaced. Resolves when there is another one that answers. */
  readonly replace: (why: unknown) => Promise<void>;
}

export interface ControlWatch {
  /** HAProxy is to do something: it is asked in a moment, and every second for a while. */
  changing(): void;
  /** Resolves when `signal` has aborted; never rejects. */
  readonly ended: Promise<void>;
}

/** A question costs a millisecond of the processor, and most of the time there is nothing to find. */
const ASK_IDLE_MS = 3_000;
const ASK_MS = 1_000;
/** Also from a change to the first question: what carries out the change comes first. */
const ASK_AGAIN_MS = 250;
/** For how long after a change HAProxy is asked every second. */
const CHANGING_MS = 10_000;
/** An answer takes 2 s at most; a machine that is short of processor time loses one, hardly three in a row. */
const LEAST_FAILURES = 3;
/** While nothing has to change, patience costs nothing and a replacement cuts every session. */
const PATIENCE_MS = 10_000;
/** While it should do something, sessions and new connections are where they must not be. */
const PATIENCE_IN_TROUBLE_MS = 3_000;
/** A HAProxy that answers and refuses is replaced once, and not again before it has obeyed. */
const REFUSAL_PATIENCE_MS = 5_000;

/**
 * Asks HAProxy whether it answers, and has it replaced when it does not: three times in a row, for 10 s, or for 3 s while its
 * route should change. Asks every 3 s while nothing changes, and otherwise every second: until HAProxy is settled, and for
 * 10 s after a change.
 */
export function watchControl(
  api: Pick<RuntimeApi, "showInfo">,
  { clock, signal, troubleSince, settled, replace }: WatchControlOptions,
): ControlWatch {
  let failures = 0;
  let failingSince = 0;
  let replacedInTrouble = false;
  let failure: unknown;
  let quickUntil = clock.now() + CHANGING_MS;
  let dueAt = 0;
  let sooner = new AbortController();

  async function ask(): Promise<void> {
    const asked = clock.now();
    try {
      await api.showInfo({ signal });
      failures = 0;
    } catch (error) {
      if (failures === 0) failingSince = asked;
      failures += 1;
      failure = error;
    }
  }

  function reason(): unknown {
    const now = clock.now();
    const since = troubleSince();
    if (since === undefined) replacedInTrouble = false;
    const patienceMs = since === undefined ? PATIENCE_MS : PATIENCE_IN_TROUBLE_MS;
    if (failures >= LEAST_FAILURES && now - failingSince >= patienceMs) return failure;
    if (since === undefined || replacedInTrouble || now - since < REFUSAL_PATIENCE_MS) return undefined;
    return failures === 0 ? "it refuses to be led" : undefined;
  }

  function pauseMs(): number {
    if (failures > 0) return ASK_AGAIN_MS;
    const idle = settled() && troubleSince() === undefined && clock.now() >= quickUntil;
    return idle ? ASK_IDLE_MS : ASK_MS;
  }

  async function waitUntilDue(): Promise<void> {
    dueAt = clock.now() + pauseMs();
    while (!signal.aborted && clock.now() < dueAt) {
      sooner = new AbortController();
      const either = AbortSignal.any([signal, sooner.signal]);
      await clock.sleep(dueAt - clock.now(), { signal: either }).catch(() => {});
    }
  }

  async function watch(): Promise<void> {
    while (!signal.aborted) {
      await waitUntilDue();
      if (signal.aborted) return;
      await ask();
      const why = reason();
      if (why === undefined || signal.aborted) continue;
      failures = 0;
      replacedInTrouble = true;
      await replace(why);
    }
  }

  return {
    changing() {
      const now = clock.now();
      quickUntil = now + CHANGING_MS;
      if (now + ASK_AGAIN_MS >= dueAt) return;
      dueAt = now + ASK_AGAIN_MS;
      sooner.abort(notNeeded);
    },
    ended: watch(),
  };
}
