import { describeError } from "@msdha/app";
import type { Clock } from "@msdha/clock";
import type { Mastership } from "@msdha/group";
import type { Route } from "@msdha/haproxy-config";
import type { Log } from "@msdha/log";
import { followAddress, type Lookup, type Reach } from "./follow-address.ts";
import { sameWanted, type Wanted, wantedFrom } from "./wanted.ts";

export interface GuideOptions {
  /** The port of the master. */
  readonly port: number;
  readonly lookup: Lookup;
  readonly lookupIntervalMs: number;
  /** How long the last address is kept while the resolver can't be asked. */
  readonly lookupKeepMs: number;
  /** Whether the master's port at an address takes a connection; asked where a name has several. */
  readonly reach: Reach;
  /** Whether an address leads back to this frontend. */
  readonly isOwn: (address: string) => boolean;
  readonly clock: Clock;
  readonly log: Log;
  /** Called with each new route; must not throw. */
  readonly onRoute: (route: Route) => void;
}

/** Whom connections are sent to. */
export interface ServedMaster {
  readonly name: string;
  readonly token: number;
  /** undefined while the name can't be resolved. */
  readonly address: string | undefined;
  /** When it became master, as seen from here, in ms since 1970. */
  readonly since: number;
}

/** Turns what the group says into routes for HAProxy, and follows the master's address. */
export interface Guide extends Disposable {
  /** Tells what the group says now; does nothing when it is what it said before. */
  tell(now: Mastership): void;
  /** Tells whether etcd confirms what was told. Without that, which is how it begins, new connections wait. */
  confirm(confirmed: boolean): void;
  readonly master: ServedMaster | undefined;
  /** The route that HAProxy is to take now. */
  readonly route: Route;
}

/** Makes a guide. It begins without a master; disposing of it stops the following of the address. */
export function createGuide(options: GuideOptions): Guide {
  const { port, lookup, lookupIntervalMs, lookupKeepMs, reach, isOwn, clock, log, onRoute } = options;
  let wanted: Wanted = { kind: "none" };
  /** Where connections go when etcd confirms it. */
  let intended: Route = { kind: "none" };
  let route: Route = { kind: "none" };
  let confirmed = false;
  let master: ServedMaster | undefined;
  let following = new AbortController();

  function go(to: Route): void {
    intended = to;
    apply();
  }

  function apply(): void {
    if (intended.kind === "serve" && !confirmed) {
      const { owner } = intended;
      const left = route.kind === "serve" && route.owner === owner;
      if (left)
        log.warn(
          { master: master?.name, token: Number(owner) },
          "no quorum of etcd confirms the master: its sessions go on, new connections wait",
        );
      enter({ kind: "drain", owner });
    } else enter(intended);
  }

  function enter(next: Route): void {
    if (sameRoute(next, route)) return;
    route = next;
    if (route.kind === "serve")
      log.info(
        { master: master?.name, token: Number(route.owner), address: route.address, port },
        "connections go to the master",
      );
    onRoute(route);
  }

  function serve({ name, host, owner }: Wanted & { kind: "master" }, signal: AbortSignal): void {
    const fields = { master: name, token: Number(owner) };
    let current: ServedMaster = { name, token: Number(owner), address: undefined, since: Date.now() };
    master = current;
    const onAddress = (address: string): void => {
      const own = isOwn(address);
      current = { ...current, address: own ? undefined : address };
      master = current;
      if (own) {
        log.error(
          { ...fields, address, port },
          "the master's address leads back to this frontend: connections wait",
        );
        go({ kind: "drain", owner });
        return;
      }
      go({ kind: "serve", owner, address, port });
    };
    const onGone = (error: unknown): void => {
      current = { ...current, address: undefined };
      master = current;
      log.warn(
        { ...fields, host, why: describeError(error) },
        "the master's name has no address any more: its sessions go on, new connections wait",
      );
      go({ kind: "drain", owner });
    };
    const onTrouble = (error: unknown): void => {
      const waiting = current.address === undefined ? "connections wait" : "its last address is kept for now";
      log.warn(
        { ...fields, host, why: describeError(error) },
        `the master's name can't be resolved: ${waiting}`,
      );
    };
    const times = { intervalMs: lookupIntervalMs, keepMs: lookupKeepMs };
    void followAddress(host, {
      ...{ lookup, reach, clock, signal, onAddress, onGone, onTrouble },
      ...times,
    });
    // Until the name is resolved nobody may go to the master before this one.
    if (current.address === undefined) go({ kind: "drain", owner });
  }

  function tell(now: Mastership): void {
    const next = wantedFrom(wanted, now);
    if (sameWanted(wanted, next)) return;
    wanted = next;
    following.abort();
    following = new AbortController();
    const left = master && { master: master.name, token: master.token };
    switch (next.kind) {
      case "master":
        serve(next, following.signal);
        break;
      case "held":
        master = undefined;
        log.info(
          { master: next.name, token: Number(next.owner) },
          "the master is not ready for traffic: connections wait",
        );
        go({ kind: "drain", owner: next.owner });
        break;
      case "stopping":
        master = undefined;
        log.info({ ...left }, "the master stops: its sessions go on, new connections wait");
        go({ kind: "drain", owner: next.owner });
        break;
      case "none":
        master = undefined;
        log.info({ ...left }, "there is no master: sessions are cut, new connections wait");
        go({ kind: "none" });
        break;
    }
  }

  return {
    tell,
    confirm(now) {
      confirmed = now;
      apply();
    },
    get master() {
      return master;
    },
    get route() {
      return route;
    },
    [Symbol.dispose]: () => following.abort(),
  };
}

function sameRoute(a: Route, b: Route): boolean {
  if (a.kind === "none" || b.kind === "none") return a.kind === b.kind;
  if (a.kind !== b.kind || a.owner !== b.owner) return false;
  return a.kind !== "serve" || b.kind !== "serve" || (a.address === b.address && a.port === b.port);
}
