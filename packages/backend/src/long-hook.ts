import type { Clock } from "@msdha/clock";
import type { Log } from "@msdha/log";
import type { HookName } from "./hooks.ts";

/**
 * While `master` runs, the group may have no service; the others may rightly take hours, as a first copy of the data
 * does. The hooks of a stop are bounded by it.
 */
const FIRST_WARNING_MS: Partial<Readonly<Record<HookName, number>>> = {
  pre_start: 600_000,
  running_not_ready: 600_000,
  ready: 60_000,
  master: 10_000,
};

/** Warns of a hook that runs for long: after its first time, and each time that twice as much has passed. */
export function warnOfLongHook(
  { clock, log }: { readonly clock: Clock; readonly log: Log },
  hook: HookName,
): Disposable {
  const done = new AbortController();
  const begun = clock.now();

  async function warn(afterMs: number): Promise<void> {
    await clock.sleep(begun + afterMs - clock.now(), { signal: done.signal });
    const seconds = Math.round((clock.now() - begun) / 1_000);
    log.warn({ hook, seconds }, "a hook still runs (MSDHA_HOOK_TIMEOUT would end it, and the node)");
    await warn(2 * afterMs);
  }

  const first = FIRST_WARNING_MS[hook];
  if (first !== undefined) warn(first).catch(() => {});
  return { [Symbol.dispose]: () => done.abort() };
}
