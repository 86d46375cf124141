import { getFreePort, waitFor } from "@msdha/testkit";
import { describe, expect, it } from "vitest";
import { createSwitcher, type Route, type Step, type Switcher } from "../src/index.ts";
import {
  askName,
  type NamedServer,
  openSession,
  startBlackHole,
  startHaproxy,
  startLoad,
  startNamedServer,
} from "./support.ts";

const drainMs = 120;
const none: Route = { kind: "none" };

describe("the switcher on a real HAProxy", () => {
  it("loses no new connection and sends none to the old master, at 200 a second", async () => {
    await using haproxy = await startHaproxy();
    await using a = await startNamedServer("a");
    await using b = await startNamedServer("b");
    const terms: { name: string; readyAt: number; endAt: number }[] = [];
    const onStep = (step: Step): void => {
      const term = terms.at(-1);
      if (term && step.kind === "states" && step.changes.some(({ state }) => state === "ready")) {
        term.readyAt = performance.now();
      }
    };
    await using switcher = createSwitcher(haproxy.api, { drainMs, onStep });
    await arrive(switcher, to(a, "0"));
    const load = startLoad(haproxy.port, { perSecond: 200 });
    for (let number = 1; number <= 20; number++) {
      const [server, name] = number % 2 ? [b, "b"] : [a, "a"];
      const term = { name, readyAt: Number.NaN, endAt: Number.NaN };
      terms.push(term);
      await arrive(switcher, to(server, String(number)));
      term.endAt = performance.now();
    }
    const results = await load.stop();
    expect(results.length).toBeGreaterThan(200);
    expect(results.filter(({ failed }) => failed)).toEqual([]);
    const sure = terms.flatMap(({ name, readyAt, endAt }) =>
      results
        .filter(({ openedAt, answeredAt }) => openedAt > readyAt && answeredAt < endAt)
        .map((result) => ({ expected: name, got: result.name })),
    );
    expect(sure.length).toBeGreaterThan(100);
    expect(sure.filter(({ expected, got }) => got !== expected)).toEqual([]);
  });

  it("keeps connections waiting while there is no master and hands them over when there is one", async () => {
    await using haproxy = await startHaproxy();
    await using a = await startNamedServer("a");
    await using switcher = createSwitcher(haproxy.api, { drainMs });
    const waiting = Array.from({ length: 100 }, () => openSession(haproxy.port));
    await waitFor(async () => (await currentSessions(haproxy)) === 100, { what: "100 waiting connections" });
    await arrive(switcher, to(a, "1"));
    expect(new Set(await Promise.all(waiting.map(({ name }) => name)))).toEqual(new Set(["a"]));
    for (const session of waiting) session[Symbol.dispose]();
  });

  it("closes new connections at once when none may wait", async () => {
    await using haproxy = await startHaproxy({ parkMs: 0 });
    await expect(askName(haproxy.port)).rejects.toThrow("closed before anything was said");
  });

  it("cuts the sessions of a master that is lost", async () => {
    await using haproxy = await startHaproxy();
    await using a = await startNamedServer("a");
    await using switcher = createSwitcher(haproxy.api, { drainMs });
    await arrive(switcher, to(a, "1"));
    using session = openSession(haproxy.port);
    await session.name;
    switcher.route(none);
    await session.closed;
    await waitFor(() => switcher.settled, { what: "the switcher" });
  });

  it("lets those wait on who were connecting to a lost master that does not answer", async () => {
    await using haproxy = await startHaproxy();
    await using a = await startNamedServer("a");
    const port = await getFreePort();
    await using hole = await startBlackHole("127.0.0.1", port);
    await using switcher = createSwitcher(haproxy.api, { drainMs });
    expect(hole.running).toBe(true);
    await arrive(switcher, { kind: "serve", owner: "1", address: "127.0.0.1", port });
    const waiting = Array.from({ length: 50 }, () => openSession(haproxy.port));
    await waitFor(async () => (await currentSessions(haproxy)) === 50, {
      what: "50 connections on their way",
    });
    await arrive(switcher, none);
    expect(waiting.filter(({ open }) => !open)).toEqual([]);
    await arrive(switcher, to(a, "2"));
    expect(new Set(await Promise.all(waiting.map(({ name }) => name)))).toEqual(new Set(["a"]));
    for (const session of waiting) session[Symbol.dispose]();
  });

  it("lets sessions go on while a master stops, has new ones wait, and cuts them for the next master", async () => {
    await using haproxy = await startHaproxy();
    await using a = await startNamedServer("a");
    await using b = await startNamedServer("b");
    await using switcher = createSwitcher(haproxy.api, { drainMs });
    await arrive(switcher, to(a, "1"));
    using old = openSession(haproxy.port);
    await old.name;
    await arrive(switcher, { kind: "drain", owner: "1" });
    using waiting = openSession(haproxy.port);
    await waitFor(async () => (await currentSessions(haproxy)) === 2, { what: "a waiting connection" });
    expect(await old.say("still there?")).toBe("a");
    await arrive(switcher, to(b, "2"));
    await old.closed;
    expect(await waiting.name).toBe("b");
  });

  it("leads a HAProxy that was killed and started again to where it was", async () => {
    await using haproxy = await startHaproxy();
    await using a = await startNamedServer("a");
    await using switcher = createSwitcher(haproxy.api, { drainMs });
    await arrive(switcher, to(a, "1"));
    await haproxy.restart();
    switcher.replay();
    expect(await askName(haproxy.port)).toBe("a");
  });

  it("hands a waiting connection to a master whose port opens late", async () => {
    await using haproxy = await startHaproxy();
    await using switcher = createSwitcher(haproxy.api, { drainMs });
    const port = await getFreePort();
    await arrive(switcher, { kind: "serve", owner: "1", address: "127.0.0.1", port });
    using waiting = openSession(haproxy.port);
    await waitFor(async () => (await currentSessions(haproxy)) === 1, { what: "a waiting connection" });
    await using late = await startNamedServer("late", { port });
    expect(late.port).toBe(port);
    expect(await waiting.name).toBe("late");
  });
});

function to({ address, port }: NamedServer, owner: string): Route {
  return { kind: "serve", owner, address, port };
}

async function arrive(switcher: Switcher, route: Route): Promise<void> {
  switcher.route(route);
  await waitFor(() => switcher.settled, {
    what: `HAProxy to be where ${JSON.stringify(route)} wants it`,
    intervalMs: 1,
  });
}

async function currentSessions({ api }: Awaited<ReturnType<typeof startHaproxy>>): Promise<number> {
  const row = (await api.showStat()).find(({ proxy, server }) => proxy === "fe" && server === "FRONTEND");
  return row?.currentSessions ?? 0;
}
