import type { Clock } from "@msdha/clock";
import { asHaproxyRoute, type ProxyEvents, type TcpProxy } from "@msdha/frontend";
import { createSwitcher } from "@msdha/haproxy-config";
import { PORT } from "./frontend-config.ts";
import type { SimulatedHaproxy } from "./simulated-haproxy.ts";

/** A frontend's proxy, with an HAProxy that is not one behind it. */
export interface SimulatedProxy extends TcpProxy {
  /** HAProxy was started anew: it is brought to the last route again. */
  replay(): void;
}

const DRAIN_MS = 20;

/** Leads a simulated HAProxy by production's own switcher. Nobody connects to it: it has no sessions to wait for. */
export function createSimulatedProxy(
  { api }: SimulatedHaproxy,
  { onSettled }: ProxyEvents,
  clock: Clock,
): SimulatedProxy {
  const switcher = createSwitcher(api, { drainMs: DRAIN_MS, clock, onSettled });
  return {
    addresses: [],
    state: {
      running: true,
      version: "simulated",
      pid: 1,
      restarts: 0,
      obeys: true,
      get settled() {
        return switcher.settled;
      },
    },
    route: (route) => void switcher.route(asHaproxyRoute(route, PORT)),
    routeReaders: undefined,
    settleYoung: async () => {},
    traffic: async () => ({ sessions: 0, waiting: 0, connections: 0, bytesIn: 0, bytesOut: 0 }),
    droppedLogLines: async () => 0,
    close: async () => {},
    replay: () => switcher.replay(),
    [Symbol.asyncDispose]: () => switcher[Symbol.asyncDispose](),
  };
}
