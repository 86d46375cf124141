import type { Route, TcpProxy } from "./proxy.ts";

export interface LeaverOptions {
  readonly proxy: Pick<TcpProxy, "state" | "settleYoung">;
  readonly route: () => Route;
  /** Called with the token of a stopping master when nothing new goes there and what had begun was answered. */
  readonly onLeft: (token: number) => void;
}

/** Finds out when a stopping master is left. Disposing ends that. */
export interface Leaver extends Disposable {
  /** A master stops. Call it when the route was changed; does nothing when it was called with this token before. */
  stopping(token: number): void;
  /** The proxy has settled on a route. */
  settled(): void;
}

export function createLeaver({ proxy, route, onLeft }: LeaverOptions): Leaver {
  let last: number | undefined;
  let pending: number | undefined;
  let looking = new AbortController();

  function proceed(): void {
    const token = pending;
    if (token === undefined || !proxy.state.settled || route().kind === "serve") return;
    pending = undefined;
    proxy.settleYoung({ signal: looking.signal }).then(
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
