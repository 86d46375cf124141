import type { SwitcherOptions } from "@msdha/haproxy-config";
import type { Log } from "@msdha/settings";
import { describeError } from "./describe-error.ts";

/** Logs that HAProxy can't be led, once, and that it can again. */
export interface TroubleLog extends Required<Pick<SwitcherOptions, "onTrouble" | "onStep" | "onSettled">> {
  /** Whether HAProxy can't be led at the moment. */
  readonly lasting: boolean;
}

export function createTroubleLog(log: Log): TroubleLog {
  let lasting = false;
  const over = (): void => {
    if (lasting) log.info("HAProxy can be led again");
    lasting = false;
  };
  return {
    get lasting() {
      return lasting;
    },
    onTrouble: (error) => {
      if (!lasting)
        log.error(
          { why: describeError(error) },
          "HAProxy can't be led where it should go: it is tried until it can",
        );
      lasting = true;
    },
    onStep: (step) => {
      over();
      log.debug({ step }, "HAProxy did a step");
    },
    onSettled: over,
  };
}
