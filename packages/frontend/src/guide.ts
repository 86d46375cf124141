import { describeError } from "@msdha/app";
import type { Clock } from "@msdha/clock";
import type { Mastership } from "@msdha/group";
import type { Log } from "@msdha/log";
import { followAddress, type Lookup, type Reach } from "./follow-address.ts";
import { isSameRoute, masterOf, type Route } from "./proxy.ts";
import { sameMastership, servedMastership } from "./served-mastership.ts";

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

/** Turns what the group says into routes for the proxy, and follows the master's address. */
export interface Guide extends Disposable {
  /** Sets the group's present master; does nothing if it is the one from before. */
  setMaster(now: Mastership): void;
  /** Sets whether etcd confirms the mastership. Until it does, new connections wait. */
  confirm(confirmed: boolean): void;
  /** The route that connections take now. */
  readonly route: Route;
}

/** Makes a guide. It begins without a master; disposing of it stops the following of the address. */
export function createGuide(options: GuideOptions): Guide {
  const { port, lookup, lookupIntervalMs, lookupKeepMs, reach, isOwn, clock, log, onRoute } = options;
  let mastership: Mastership = { kind: "none" };
  /** Where connections go when etcd confirms it. */
  let intended: Route = { kind: "none" };
  let route: Route = { kind: "none" };
  let confirmed = false;
  let following = new AbortController();

  function go(to: Route): void {
    intended = to;
    apply();
  }

  function apply(): void {
    if (intended.kind === "serve" && !confirmed) {
      const { token, master } = intended;
      const left = route.kind === "serve" && route.token === token;
      if (left)
        log.warn(
          { master: master.name, token },
          "no quorum of etcd confirms the master: its sessions go on, new connections wait",
        );
      enter({ ...intended, kind: "drain" });
    } else enter(intended);
  }

  function enter(next: Route): void {
    const isSame = isSameRoute(next, route);
    route = next;
    if (isSame) return;
    if (route.kind === "serve") {
      const { token, address, master } = route;
      log.info({ master: master.name, token, address, port }, "connections go to the master");
    }
    onRoute(route);
  }

  function serve({ name, address: host, token }: Mastership & { kind: "master" }, signal: AbortSignal): void {
    const fields = { master: name, token };
    const master = { name, since: Date.now() };
    let usable = false;
    const onAddress = (address: string): void => {
      usable = !isOwn(address);
      if (usable) {
        go({ kind: "serve", token, address, master });
        return;
      }
      log.error(
        { ...fields, address, port },
        "the master's address leads back to this frontend: connections wait",
      );
      go({ kind: "drain", token, master });
    };
    const onGone = (error: unknown): void => {
      usable = false;
      log.warn(
        { ...fields, host, why: describeError(error) },
        "the master's name has no address any more: its sessions go on, new connections wait",
      );
      go({ kind: "drain", token, master });
    };
    const onTrouble = (error: unknown): void => {
      const waiting = usable ? "its last address is kept for now" : "connections wait";
      log.warn(
        { ...fields, host, why: describeError(error) },
        `the master's name can't be resolved: ${waiting}`,
      );
    };
    void followAddress(host, {
      lookup,
      reach,
      clock,
      signal,
      intervalMs: lookupIntervalMs,
      keepMs: lookupKeepMs,
      onAddress,
      onGone,
      onTrouble,
    });
    // Until the name is resolved nobody may go to the master before this one.
    if (!usable) go({ kind: "drain", token, master });
  }

  function setMaster(said: Mastership): void {
    const now = servedMastership(mastership, said);
    if (sameMastership(mastership, now)) return;
    mastership = now;
    following.abort();
    following = new AbortController();
    if (now.kind === "master" && !now.held) serve(now, following.signal);
    else leave(now);
  }

  function leave(now: Mastership): void {
    const master = masterOf(route);
    const left = route.kind !== "none" && master && { master: master.name, token: route.token };
    switch (now.kind) {
      case "master":
        log.info(
          { master: now.name, token: now.token },
          "the master is not ready for traffic: connections wait",
        );
        go({ kind: "drain", token: now.token });
        break;
      case "stopping":
        log.info({ ...left }, "the master stops: its sessions go on, new connections wait");
        go({ kind: "drain", token: now.token });
        break;
      case "none":
        log.info({ ...left }, "there is no master: sessions are cut, new connections wait");
        go({ kind: "none" });
        break;
    }
  }

  return {
    setMaster,
    confirm(now) {
      confirmed = now;
      apply();
    },
    get route() {
      return route;
    },
    [Symbol.dispose]: () => following.abort(),
  };
}
