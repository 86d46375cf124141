import {
  createSwitcher,
  type Route as HaproxyRoute,
  portNames,
  type RuntimeApi,
  type Switcher,
  type SwitcherOptions,
} from "@msdha/haproxy-config";
import type { Route } from "../proxy.ts";
import type { TroubleLog } from "./trouble-log.ts";

export interface PortSwitchersOptions extends Pick<SwitcherOptions, "drainMs" | "clock"> {
  /** The master's port for each port that is listened on, in the order of `portNames`. */
  readonly targets: readonly number[];
  readonly trouble: TroubleLog;
  /** Called when HAProxy is where the last route wants it, on every port. */
  readonly onSettled: () => void;
}

/** Brings every port of a HAProxy to the last route. Disposing stops that and leaves HAProxy as it is. */
export interface PortSwitchers extends Pick<Switcher, "replay" | "settled">, AsyncDisposable {
  route(route: Route): void;
}

/** Makes a switcher for each port. A route is the same for all but for the port at the master, which is each one's own. */
export function createPortSwitchers(
  api: Pick<RuntimeApi, "showServers" | "setServerAddress" | "setServerStates">,
  { targets, drainMs, clock, trouble, onSettled }: PortSwitchersOptions,
): PortSwitchers {
  const { onTrouble, onStep } = trouble;
  const isSettled = (): boolean => switchers.every(({ switcher }) => switcher.settled);
  const switchers = targets.map((target, index) => ({
    target,
    switcher: createSwitcher(api, {
      backend: portNames(index).backend,
      drainMs,
      ...(clock && { clock }),
      onTrouble,
      onStep,
      onSettled(route) {
        trouble.onSettled(route);
        if (isSettled()) onSettled();
      },
    }),
  }));
  return {
    route(route) {
      for (const { target, switcher } of switchers) void switcher.route(asHaproxyRoute(route, target));
    },
    replay() {
      for (const { switcher } of switchers) switcher.replay();
    },
    get settled() {
      return isSettled();
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(switchers.map(({ switcher }) => switcher[Symbol.asyncDispose]()));
    },
  };
}

/** Returns a route as HAProxy's switcher has it: the owner of a slot is the master's token. */
export function asHaproxyRoute(route: Route, port: number): HaproxyRoute {
  if (route.kind === "none") return { kind: "none" };
  const owner = String(route.token);
  return route.kind === "drain"
    ? { kind: "drain", owner }
    : { kind: "serve", owner, address: route.address, port };
}
