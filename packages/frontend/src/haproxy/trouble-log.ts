import { describeError } from "@msdha/app";
import type { Clock } from "@msdha/clock";
import type { SwitcherOptions } from "@msdha/haproxy-config";
import type { Log } from "@msdha/log";

/** Logs that HAProxy can't be led, once, and that it can again. */
export interface TroubleLog extends Required<Pick<SwitcherOptions, "onTrouble" | "onStep" | "onSettled">> {
  /** Since when HAProxy can't be led, on the clock; undefined while it can. */
  readonly since: number | undefined;
}

export function createTroubleLog(log: Log, clock: Clock): TroubleLog {
  let since: number | undefined;
  const over = (): void => {
    if (since !== undefined) log.info("HAProxy can be led again");
    since = undefined;
  };
  return {
    get since() {
      return since;
    },
    onTrouble: (error) => {
      if (since === undefined)
        log.error({ why: describeError(error) }, "HAProxy did not carry out a change; trying again");
      since ??= clock.now();
    },
    onStep: (step) => {
      over();
      log.debug({ step }, "HAProxy did a step");
    },
    onSettled: over,
  };
}
