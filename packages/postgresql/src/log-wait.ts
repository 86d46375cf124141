import type { Clock } from "@msdha/clock";

/** For how long this standby has waited at one place of the log, from one hook to the next. */
export interface LogWait {
  /** Returns since how many milliseconds it has waited here. */
  at(place: string): number;
  /** Returns whether this is the first call for the place where it waits. */
  isNew(): boolean;
}

export function createLogWait({ now }: Pick<Clock, "now">): LogWait {
  let wait: { readonly place: string; readonly since: number; isLogged: boolean } | undefined;
  return {
    at(place) {
      if (wait?.place !== place) wait = { place, since: now(), isLogged: false };
      return now() - wait.since;
    },
    isNew() {
      if (!wait || wait.isLogged) return false;
      wait.isLogged = true;
      return true;
    },
  };
}
