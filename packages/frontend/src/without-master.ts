import type { Clock } from "@msdha/clock";
import type { Route } from "./proxy.ts";

/** Counts how long new connections had no master to go to. */
export interface WithoutMaster {
  /** Takes the route that connections take from now on. */
  routed(route: Route): void;
  /** How long in all, in ms, from the start of the frontend on. */
  readonly totalMs: number;
}

/** Returns a count that begins now, without a master. */
export function countWithoutMaster(clock: Pick<Clock, "now">): WithoutMaster {
  let past = 0;
  let since: number | undefined = clock.now();
  return {
    routed({ kind }) {
      if (kind !== "serve") since ??= clock.now();
      else if (since !== undefined) {
        past += clock.now() - since;
        since = undefined;
      }
    },
    get totalMs() {
      return past + (since === undefined ? 0 : clock.now() - since);
    },
  };
}
