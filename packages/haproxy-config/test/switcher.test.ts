import { once } from "node:events";
import { Agent, createServer, get } from "node:http";
import type { AddressInfo } from "node:net";
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
    const arrived = switcher.route(none);
    await session.closed;
    expect(await arrived).toBe(true);
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

describe("a configuration of one's own", () => {
  it("has other names, and servers that are left alone", async () => {
    await using haproxy = await startHaproxy({}, ({ port, socketPath }) =>
      [
        "global",
        `    stats socket ${socketPath} mode 600 level admin`,
        "defaults",
        "    mode tcp",
        "    timeout connect 100ms",
        "    timeout client 1m",
        "    timeout server 1m",
        "listen database",
        `    bind 127.0.0.1:${port}`,
        "    server left 127.0.0.1:1 disabled",
        "    server middle 127.0.0.1:1 disabled",
        "    server right 127.0.0.1:1 disabled",
        "",
      ].join("\n"),
    );
    await using a = await startNamedServer("a");
    await using b = await startNamedServer("b");
    await using switcher = createSwitcher(haproxy.api, {
      drainMs,
      backend: "database",
      slots: ["left", "right"],
    });
    expect(await switcher.route(to(a, "1"))).toBe(true);
    expect(await askName(haproxy.port)).toBe("a");
    expect(await switcher.route(to(b, "2"))).toBe(true);
    expect(await askName(haproxy.port)).toBe("b");
    const rows = await haproxy.api.showServers("database");
    expect(rows.map(({ name, state }) => [name, state])).toEqual([
      ["left", "maint"],
      ["middle", "maint"],
      ["right", "ready"],
    ]);
  });
});

describe("requests", () => {
  it("go to the new master from a connection that is kept, and wait while there is none", async () => {
    await using haproxy = await startHaproxy({ mode: "http" });
    await using a = await startHttpServer("a");
    await using b = await startHttpServer("b");
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    await using switcher = createSwitcher(haproxy.api, { drainMs });
    const waiting = request(haproxy.port, agent);
    await waitFor(async () => (await currentSessions(haproxy)) === 1, { what: "a waiting request" });
    // More routes than slots, so that a slot gets another address.
    const answers: string[] = [];
    for (const [number, server] of [a, b, a, b, a].entries()) {
      expect(await switcher.route({ ...to(server, String(number)) })).toBe(true);
      answers.push(number === 0 ? await waiting : await request(haproxy.port, agent));
    }
    expect(answers).toEqual(["a", "b", "a", "b", "a"].map((name) => `${name} for 127.0.0.1`));
    const stat = (await haproxy.api.showStat()).find(({ server }) => server === "FRONTEND");
    expect(stat?.totalSessions).toBe(1);
    agent.destroy();
  });

  it("get 503 when no master comes in time", async () => {
    await using haproxy = await startHaproxy({ mode: "http", parkMs: 100, tickMs: 50 });
    expect(await request(haproxy.port, new Agent())).toBe("503");
  });
});

/** A server of HTTP that answers with its name, and for whom HAProxy says that it asks. */
async function startHttpServer(
  name: string,
): Promise<Pick<NamedServer, "address" | "port"> & AsyncDisposable> {
  const server = createServer(({ headers }, response) => {
    response.end(`${name} for ${headers["x-forwarded-for"]}`);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    address: "127.0.0.1",
    port: (server.address() as AddressInfo).port,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Resolves with the body of an answer, or with its status where that is none of success. */
async function request(port: number, agent: Agent): Promise<string> {
  const [response] = await once(get({ host: "127.0.0.1", port, agent }), "response");
  const body = (await response.setEncoding("utf8").toArray()).join("");
  return response.statusCode === 200 ? body : String(response.statusCode);
}

function to({ address, port }: Pick<NamedServer, "address" | "port">, owner: string): Route {
  return { kind: "serve", owner, address, port };
}

async function arrive(switcher: Switcher, route: Route): Promise<void> {
  expect(await switcher.route(route)).toBe(true);
}

async function currentSessions({ api }: Awaited<ReturnType<typeof startHaproxy>>): Promise<number> {
  const row = (await api.showStat()).find(({ proxy, server }) => proxy === "fe" && server === "FRONTEND");
  return row?.currentSessions ?? 0;
}
