import type { Clock } from "@msdha/clock";
import type { RuntimeApi } from "@msdha/haproxy-config";

export interface WatchControlOptions {
  readonly clock: Clock;
  /** Ends the watch. */
  readonly signal: AbortSignal;
  /** Since when HAProxy has refused to be led where it should go; undefined while it does what it should. */
  readonly troubleSince: () => number | undefined;
  /** Called with the reason when HAProxy is to be replaced. Resolves when there is another one that answers. */
  readonly replace: (why: unknown) => Promise<void>;
}

const ASK_MS = 1_000;
const ASK_AGAIN_MS = 250;
/** An answer takes 2 s at most; a machine that is short of processor time loses one, hardly three in a row. */
const LEAST_FAILURES = 3;
/** While nothing has to change, patience costs nothing and a replacement cuts every session. */
const PATIENCE_MS = 10_000;
/** While it should do something, sessions and new connections are where they must not be. */
const PATIENCE_IN_TROUBLE_MS = 3_000;
/** A HAProxy that answers and refuses is replaced once, and not again before it has obeyed. */
const REFUSAL_PATIENCE_MS = 5_000;

/**
 * Asks HAProxy every second whether it answers, and has it replaced when it does not: three times in a row, for 10 s, or
 * for 3 s while its route should change. Resolves when `signal` has aborted; never rejects.
 */
export async function watchControl(
  api: Pick<RuntimeApi, "showInfo">,
  { clock, signal, troubleSince, replace }: WatchControlOptions,
): Promise<void> {
  let failures = 0;
  let failingSince = 0;
  let replacedInTrouble = false;
  let failure: unknown;

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

  while (!signal.aborted) {
    await clock.sleep(failures > 0 ? ASK_AGAIN_MS : ASK_MS, { signal }).catch(() => {});
    if (signal.aborted) return;
    await ask();
    const why = reason();
    if (why === undefined || signal.aborted) continue;
    failures = 0;
    replacedInTrouble = true;
    await replace(why);
  }
}
