import { networkInterfaces } from "node:os";
import { type EtcdMember, startEtcd, waitFor } from "@msdha/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  askName,
  left,
  openGroup,
  openSession,
  serving,
  startFrontend,
  startLoad,
  startNamedServer,
} from "./support.ts";

let etcd: EtcdMember;
beforeAll(async () => {
  etcd = await startEtcd();
});
afterAll(() => etcd[Symbol.asyncDispose]());

describe("a frontend with a real etcd and a real HAProxy", () => {
  it("keeps connections waiting until there is a master, and sends them to it", async () => {
    await using group = openGroup(etcd, "waiting");
    await using frontend = await startFrontend(etcd.endpoint, group.name);
    await frontend.until("following", ({ following }) => following);
    await using a = await startNamedServer("a", { address: "127.0.0.2", port: frontend.port });
    using session = openSession(frontend.port);
    await frontend.until("a waiting connection", ({ traffic }) => traffic?.waiting === 1);
    const { token } = await group.becomeMaster("a", { address: a.address });
    expect(await session.name).toBe("a");
    expect(await frontend.status()).toMatchObject({
      group: "waiting",
      healthy: true,
      ready: true,
      route: "serve",
      master: { name: "a", address: "127.0.0.2", token },
    });
  });

  it("reaches a master by the address of its name where it tells none", async () => {
    await using group = openGroup(etcd, "by-name");
    await using frontend = await startFrontend(etcd.endpoint, group.name);
    await using a = await startNamedServer("a", { address: "127.0.0.2", port: frontend.port });
    await group.becomeMaster("127.0.0.2", {});
    await serving(frontend, "127.0.0.2");
    expect(await askName(frontend.port)).toBe("a");
    expect(a.taken).toBe(1);
  });

  it.runIf(hasIpv6())("listens on all addresses of both families, and sends to either", async () => {
    await using group = openGroup(etcd, "families");
    await using frontend = await startFrontend(etcd.endpoint, group.name, {
      env: { MSDHA_BIND: "127.0.0.1,127.0.0.4" },
    });
    await using _a = await startNamedServer("a", { address: "::1", port: frontend.port });
    const term = await group.becomeMaster("a", { address: "::1" });
    await serving(frontend, "a");
    expect(await askName(frontend.port, "127.0.0.4")).toBe("a");
    await using all = await startFrontend(etcd.endpoint, group.name, { env: { MSDHA_BIND: "*" } });
    const { token } = await all
      .until("the master to be seen", ({ master }) => master !== null)
      .then(({ master }) => master ?? term);
    expect(token).toBe(term.token);
    // Its port is the frontend's own here: that the address is this machine's must not make a loop.
    expect(await all.status()).toMatchObject({ healthy: true, route: "drain", master: { address: null } });
    for (const host of ["127.0.0.1", "127.0.0.9", "::1"]) {
      using session = openSession(all.port, host);
      await all.until("a waiting connection", ({ traffic }) => traffic?.waiting === 1);
      expect(session.open).toBe(true);
    }
  });

  it("cuts the sessions of a master whose lock is gone, and takes them to the next one", async () => {
    await using group = openGroup(etcd, "lost");
    await using frontend = await startFrontend(etcd.endpoint, group.name);
    await using _a = await startNamedServer("a", { address: "127.0.0.2", port: frontend.port });
    await using _b = await startNamedServer("b", { address: "127.0.0.3", port: frontend.port });
    const term = await group.becomeMaster("a", { address: "127.0.0.2" });
    await serving(frontend, "a");
    using session = openSession(frontend.port);
    expect(await session.name).toBe("a");
    await term.vanish();
    await session.closed;
    using waiting = openSession(frontend.port);
    await frontend.until(
      "a waiting connection",
      ({ traffic, route }) => route === "none" && traffic?.waiting === 1,
    );
    await group.becomeMaster("b", { address: "127.0.0.3" });
    expect(await waiting.name).toBe("b");
  });

  it("lets sessions go on through a planned stop until the next master is there", async () => {
    await using group = openGroup(etcd, "planned");
    await using frontend = await startFrontend(etcd.endpoint, group.name);
    await using _a = await startNamedServer("a", { address: "127.0.0.2", port: frontend.port });
    await using _b = await startNamedServer("b", { address: "127.0.0.3", port: frontend.port });
    const term = await group.becomeMaster("a", { address: "127.0.0.2" });
    await serving(frontend, "a");
    using session = openSession(frontend.port);
    expect(await session.name).toBe("a");
    await term.beginStop();
    await frontend.until("a drain", ({ route, haproxy }) => route === "drain" && haproxy.settled);
    using waiting = openSession(frontend.port);
    await frontend.until("a waiting connection", ({ traffic }) => traffic?.waiting === 1);
    expect(await session.say("still there?")).toBe("a");
    await term.giveBack();
    await group.becomeMaster("b", { address: "127.0.0.3" });
    await session.closed;
    expect(await waiting.name).toBe("b");
  });

  it("fails no connection and sends none to the wrong master while masters change under load", async () => {
    await using group = openGroup(etcd, "load");
    await using frontend = await startFrontend(etcd.endpoint, group.name);
    await using _a = await startNamedServer("a", { address: "127.0.0.2", port: frontend.port });
    await using _b = await startNamedServer("b", { address: "127.0.0.3", port: frontend.port });
    let term = await group.becomeMaster("a", { address: "127.0.0.2" });
    await serving(frontend, "a");
    const load = startLoad(frontend.port, { perSecond: 200 });
    const sure: { name: string; from: number; to: number }[] = [];
    for (let number = 0; number < 8; number++) {
      const name = number % 2 ? "a" : "b";
      const { token } = term;
      await term.beginStop();
      await waitFor(async () => (await left(group)) === token, { what: "the frontend to leave the master" });
      await term.giveBack();
      term = await group.becomeMaster(name, { address: name === "a" ? "127.0.0.2" : "127.0.0.3" });
      await serving(frontend, name);
      const from = performance.now();
      await waitFor(() => load.results.filter(({ openedAt }) => openedAt > from).length >= 20, {
        what: "20 more connections",
      });
      sure.push({ name, from, to: performance.now() });
    }
    const results = await load.stop();
    expect(results.filter(({ failed }) => failed)).toEqual([]);
    for (const { name, from, to } of sure) {
      const during = results.filter(({ openedAt, answeredAt }) => openedAt > from && answeredAt < to);
      expect(during.length).toBeGreaterThan(5);
      expect(new Set(during.map((result) => result.name))).toEqual(new Set([name]));
    }
  });

  it("believes neither node keys without the lock nor a lock whose node is no master", async () => {
    await using group = openGroup(etcd, "stranger");
    await using frontend = await startFrontend(etcd.endpoint, group.name);
    await using _a = await startNamedServer("a", { address: "127.0.0.2", port: frontend.port });
    await using b = await startNamedServer("b", { address: "127.0.0.3", port: frontend.port });
    await group.becomeMaster("a", { address: "127.0.0.2" });
    await serving(frontend, "a");
    await group.put("_node/b", JSON.stringify({ runId: "2", address: "127.0.0.3", ttlSeconds: 10 }));
    await group.put("b", "master");
    await group.put("b", "ready");
    expect(await askName(frontend.port)).toBe("a");
    expect(b.taken).toBe(0);
  });

  it("takes garbage in etcd for no master, and goes on", async () => {
    await using group = openGroup(etcd, "garbage");
    await using frontend = await startFrontend(etcd.endpoint, group.name, {
      env: { MSDHA_LOG_FORMAT: "text" },
    });
    await using _a = await startNamedServer("a", { address: "127.0.0.2", port: frontend.port });
    const evil = [
      ["nowhere.invalid", "a name that can't be resolved"],
      ["1.2.3.4;disable frontend fe", "a command"],
      ["127.0.0.2\nset server be/m0 state ready", "a line"],
      ["0.0.0.0", "no host's address"],
      ["255.255.255.255", "everybody's address"],
      ["127.0.0.1", "the frontend itself"],
    ] as const;
    for (const [address] of evil) {
      const term = await group.becomeMaster("evil", { address });
      await frontend.until(`${address} to be seen`, ({ master }) => master?.token === term.token);
      expect(await frontend.status()).toMatchObject({ healthy: true, ready: false, route: "drain" });
      await term.vanish();
    }
    await group.put("_lock", "{");
    await group.put("_node/x", "\u0000");
    await group.etcd.txn(
      { compare: [], success: [{ type: "delete", key: "/msdha/garbage/_lock" }], failure: [] },
      { timeoutMs: 5_000 },
    );
    await group.becomeMaster("a", { address: "127.0.0.2" });
    expect(await askName(frontend.port)).toBe("a");
    const ours = /^\d{4}-\d\d-\d\dT[\d:.]+Z (?:DEBUG|INFO |WARN |ERROR) /;
    expect(
      frontend
        .log()
        .trim()
        .split("\n")
        .filter((line) => !ours.test(line)),
    ).toEqual([]);
  });

  it("keeps the last master while etcd is away and follows again when it is back", async () => {
    await using away = await startEtcd();
    await using group = openGroup(away, "away");
    await using frontend = await startFrontend(away.endpoint, group.name);
    await using _a = await startNamedServer("a", { address: "127.0.0.2", port: frontend.port });
    await using _b = await startNamedServer("b", { address: "127.0.0.3", port: frontend.port });
    const term = await group.becomeMaster("a", { address: "127.0.0.2" });
    await serving(frontend, "a");
    using session = openSession(frontend.port);
    await session.name;
    await away.kill();
    await frontend.until("etcd to be missed", ({ following }) => !following);
    expect(await askName(frontend.port)).toBe("a");
    expect(await frontend.status()).toMatchObject({ healthy: true, ready: true, following: false });
    await away.restart();
    await away.ready();
    await frontend.until("etcd to be followed", ({ following }) => following);
    expect(await session.say("still there?")).toBe("a");
    await term.vanish();
    await group.becomeMaster("b", { address: "127.0.0.3" });
    await serving(frontend, "b");
    expect(await askName(frontend.port)).toBe("b");
  });
});

function hasIpv6(): boolean {
  return Object.values(networkInterfaces()).some((entries) =>
    entries?.some(({ family }) => family === "IPv6"),
  );
}
