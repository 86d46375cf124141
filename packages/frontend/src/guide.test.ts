import { createManualClock } from "@msdha/clock";
import type { Mastership } from "@msdha/group";
import { createLog } from "@msdha/log";
import { describe, expect, it } from "vitest";
import type { Lookup } from "./follow-address.ts";
import { createGuide, type Guide } from "./guide.ts";
import { masterOf, type Route } from "./proxy.ts";

const a: Mastership = { kind: "master", name: "a", address: "10.0.0.1", token: 7 };
const b: Mastership = { kind: "master", name: "b", address: "10.0.0.2", token: 9 };
const named: Mastership = { kind: "master", name: "c", address: "c.example", token: 11 };

describe("createGuide", () => {
  it("serves a master at its IP address without waiting for anything", () => {
    const { guide, routes } = start();
    guide.setMaster(a);
    expect(routes).toMatchObject([{ kind: "serve", token: 7, address: "10.0.0.1", master: { name: "a" } }]);
    expect(guide.route).toEqual(routes[0]);
  });

  it("goes through a planned stop to the next master", () => {
    const { guide, kinds } = start();
    for (const now of [a, { kind: "stopping", token: 7 }, { kind: "none" }, b] satisfies Mastership[])
      guide.setMaster(now);
    expect(kinds()).toEqual(["serve 7", "drain 7", "none", "serve 9"]);
  });

  it("says nothing when nothing is new", () => {
    const { guide, kinds } = start();
    for (const now of [a, { ...a }, { kind: "none" }, { kind: "none" }] satisfies Mastership[])
      guide.setMaster(now);
    expect(kinds()).toEqual(["serve 7", "none"]);
  });

  it("does not let the sessions of one master go on under another's lock", () => {
    const { guide, kinds } = start();
    guide.setMaster(a);
    guide.setMaster({ kind: "stopping", token: 8 });
    expect(kinds()).toEqual(["serve 7", "none"]);
    expect(masterOf(guide.route)).toBeUndefined();
  });

  it("has connections wait while the master's name is resolved, and cuts those to the one before", async () => {
    const { guide, kinds, clock } = start({ "c.example": ["10.0.0.3"] });
    guide.setMaster(a);
    guide.setMaster(named);
    expect(kinds()).toEqual(["serve 7", "drain 11"]);
    await clock.advance(0);
    expect(kinds()).toEqual(["serve 7", "drain 11", "serve 11"]);
  });

  it("switches when the master's address changes", async () => {
    const hosts: Record<string, string[]> = { "c.example": ["10.0.0.3"] };
    const { guide, routes, clock } = start(hosts);
    guide.setMaster(named);
    await clock.advance(0);
    hosts["c.example"] = ["10.0.0.4"];
    await clock.advance(5_000);
    expect(routes.at(-1)).toMatchObject({ kind: "serve", token: 11, address: "10.0.0.4" });
    expect(masterOf(guide.route)).toMatchObject({ name: "c" });
  });

  it("has new connections wait when the master's name has no address any more", async () => {
    const hosts: Record<string, string[]> = { "c.example": ["10.0.0.3"] };
    const { guide, kinds, clock } = start(hosts);
    guide.setMaster(named);
    await clock.advance(0);
    hosts["c.example"] = [];
    await clock.advance(5_000);
    expect(kinds()).toEqual(["drain 11", "serve 11", "drain 11"]);
    expect(guide.route).toMatchObject({ master: { name: "c" } });
    expect(guide.route).not.toHaveProperty("address");
    hosts["c.example"] = ["10.0.0.5"];
    await clock.advance(5_000);
    expect(kinds().at(-1)).toBe("serve 11");
  });

  it("stops following the name of a master that is none any more", async () => {
    const { guide, kinds, clock } = start({ "c.example": ["10.0.0.3"] });
    guide.setMaster(named);
    guide.setMaster({ kind: "none" });
    await clock.advance(60_000);
    expect(kinds()).toEqual(["drain 11", "none"]);
    expect(clock.sleeping).toBe(0);
  });

  it("has new connections wait, and sessions go on, for as long as etcd does not confirm the master", async () => {
    const { guide, kinds, clock } = start({ "c.example": ["10.0.0.3"] }, { confirmed: false });
    guide.setMaster(a);
    guide.confirm(true);
    guide.confirm(false);
    expect(kinds()).toEqual(["drain 7", "serve 7", "drain 7"]);
    guide.setMaster(named);
    await clock.advance(0);
    expect(kinds().slice(3)).toEqual(["drain 11"]);
    guide.confirm(true);
    expect(kinds().slice(4)).toEqual(["serve 11"]);
    guide.setMaster({ kind: "none" });
    guide.confirm(false);
    guide.confirm(true);
    expect(kinds().slice(5)).toEqual(["none"]);
  });

  it("sends nobody back to this frontend", () => {
    const { guide, kinds } = start({}, { own: "10.0.0.1" });
    guide.setMaster(a);
    expect(kinds()).toEqual(["drain 7"]);
    expect(guide.route).toMatchObject({ master: { name: "a" } });
    expect(guide.route).not.toHaveProperty("address");
  });
});

interface Trial {
  readonly guide: Guide;
  readonly clock: ReturnType<typeof createManualClock>;
  readonly routes: Route[];
  /** The routes in short. */
  kinds(): string[];
}

function start(
  hosts: Record<string, string[]> = {},
  { own, confirmed = true }: { readonly own?: string; readonly confirmed?: boolean } = {},
): Trial {
  const clock = createManualClock();
  const routes: Route[] = [];
  const lookup: Lookup = async (host) => hosts[host] ?? [];
  const guide = createGuide({
    port: 5432,
    lookup,
    lookupIntervalMs: 5_000,
    lookupKeepMs: 60_000,
    reach: async () => true,
    isOwn: (address) => address === own,
    clock,
    log: createLog({ level: "silent" }).log,
    onRoute: (route) => routes.push(route),
  });
  guide.confirm(confirmed);
  const kinds = (): string[] =>
    routes.map((route) => (route.kind === "none" ? "none" : `${route.kind} ${route.token}`));
  return { guide, clock, routes, kinds };
}
