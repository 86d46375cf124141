import { type EtcdMember, startEtcd, startTcpProxy } from "@msdha/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { askName, openGroup, openSession, serving, startFrontend, startNamedServer } from "./support.ts";

let etcd: EtcdMember;
beforeAll(async () => {
  etcd = await startEtcd();
});
afterAll(() => etcd[Symbol.asyncDispose]());

const TTL_S = 1;
const addresses = { a: "127.0.0.2", b: "127.0.0.3" } as const;

describe("a frontend that does not see etcd", () => {
  it("sends new sessions to nobody after two TTLs, and to the new master when it sees etcd again", async () => {
    await using network = await startTcpProxy(etcd.clientPort);
    await using group = openGroup(etcd, "blind");
    await using frontend = await startFrontend(`http://${network.address}`, group.name, {
      env: { MSDHA_TTL: String(TTL_S) },
    });
    await using a = await startNamedServer("a", { address: addresses.a, port: frontend.port });
    await using _b = await startNamedServer("b", { address: addresses.b, port: frontend.port });
    const term = await group.becomeMaster("a", { address: addresses.a });
    await serving(frontend, "a");
    using session = openSession(frontend.port);
    expect(await session.name).toBe("a");

    const cut = performance.now();
    await network.setMode("silent");
    await term.giveBack();
    await group.becomeMaster("b", { address: addresses.b });
    await frontend.until(
      "new sessions to wait",
      ({ route, haproxy }) => route === "drain" && haproxy.settled,
    );
    expect(performance.now() - cut).toBeLessThan(2_000 * TTL_S + 1_000);
    const { taken } = a;
    using waiting = openSession(frontend.port);
    await frontend.until("a waiting connection", ({ traffic }) => traffic?.waiting === 1);
    expect(await frontend.status()).toMatchObject({ healthy: true, ready: false, proven: false });
    expect(a.taken).toBe(taken);
    expect(await session.say("still there?")).toBe("a");

    await network.setMode("pass");
    expect(await waiting.name).toBe("b");
    await session.closed;
  });

  it("goes on to the last master where it is set to, and says so at the start", async () => {
    await using network = await startTcpProxy(etcd.clientPort);
    await using group = openGroup(etcd, "blind-keep");
    await using frontend = await startFrontend(`http://${network.address}`, group.name, {
      env: { MSDHA_TTL: String(TTL_S), MSDHA_ETCD_LOST: "keep" },
    });
    await using _a = await startNamedServer("a", { address: addresses.a, port: frontend.port });
    await group.becomeMaster("a", { address: addresses.a });
    await serving(frontend, "a");
    await network.setMode("silent");
    await frontend.until("the proof to be over", ({ proven }) => !proven);
    expect(await askName(frontend.port)).toBe("a");
    expect(await frontend.status()).toMatchObject({ healthy: true, ready: true });
    expect(frontend.log()).toContain("MSDHA_ETCD_LOST=keep");
  });
});
