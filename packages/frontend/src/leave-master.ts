import type { Clock } from "@msdha/clock";
import type { Route, RuntimeApi, Switcher } from "@msdha/haproxy-config";
import { settleYoung } from "./settle-young.ts";

export interface LeaverOptions {
  readonly api: Pick<RuntimeApi, "showSessions" | "showProgress">;
  readonly switcher: Pick<Switcher, "settled">;
  readonly clock: Clock;
  readonly route: () => Route;
  /** How many processes there are for each processor, 1 at least. */
  readonly strain: () => number;
  /** Called with the token of a stopping master when nothing new goes there and what had begun was answered. */
  readonly onLeft: (token: number) => void;
}

/** Finds out when a stopping master is left. Disposing ends that. */
export interface Leaver extends Disposable {
  /** A master stops. Call it when the route was changed; does nothing when it was called with this token before. */
  stopping(token: number): void;
  /** HAProxy has settled on a route. */
  settled(): void;
}

export function createLeaver({ api, switcher, clock, route, strain, onLeft }: LeaverOptions): Leaver {
  let last: number | undefined;
  let pending: number | undefined;
  let looking = new AbortController();

  function proceed(): void {
    const token = pending;
    if (token === undefined || !switcher.settled || route().kind === "serve") return;
    pending = undefined;
    settleYoung(api, { clock, signal: looking.signal, strain: strain() }).then(
      () => onLeft(token),
      () => {},
    );
  }

  return {
    stopping(token) {
      if (token === last) return;
      looking.abort();
      looking = new AbortController();
      last = token;
      pending = token;
      proceed();
    },
    settled: proceed,
    [Symbol.dispose]: () => looking.abort(),
  };
}
