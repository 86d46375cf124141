import {
  type EtcdMember,
  findNameServerObstacle,
  type NameServer,
  startEtcd,
  startNameServer,
  waitFor,
} from "@msdha/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { askName, openGroup, openSession, serving, startFrontend, startNamedServer } from "./support.ts";

const obstacle = findNameServerObstacle();
const because = obstacle ? ` (skipped: ${obstacle})` : "";

describe(`a master that has a name${because}`, { skip: obstacle !== undefined }, () => {
  let etcd: EtcdMember;
  let resolver: NameServer;
  beforeAll(async () => {
    etcd = await startEtcd();
    resolver = await startNameServer();
  });
  afterAll(async () => {
    await resolver[Symbol.asyncDispose]();
    await etcd[Symbol.asyncDispose]();
  });

  it("is reached at the one of its addresses that answers", async () => {
    resolver.names.set("both.test", ["::1", "127.0.0.2"]);
    await using group = openGroup(etcd, "both");
    await using frontend = await startFrontend(etcd.endpoint, group.name, { under: resolver.within });
    await using _a = await startNamedServer("a", { address: "127.0.0.2", port: frontend.port });
    await group.becomeMaster("a", { address: "both.test" });
    await frontend.until(
      "the address",
      ({ master, haproxy }) => master?.address === "127.0.0.2" && haproxy.settled,
    );
    expect(await askName(frontend.port)).toBe("a");
  });

  it("is not looked for at the address of a name that is gone, where a stranger may be", async () => {
    resolver.names.set("moves.test", ["127.0.0.2"]);
    await using group = openGroup(etcd, "moves");
    await using frontend = await startFrontend(etcd.endpoint, group.name, {
      under: resolver.within,
      env: { MSDHA_LOOKUP_INTERVAL: "0.2" },
    });
    const { port } = frontend;
    const a = await startNamedServer("a", { address: "127.0.0.2", port });
    await group.becomeMaster("a", { address: "moves.test" });
    await serving(frontend, "a");
    expect(await askName(port)).toBe("a");
    await a[Symbol.asyncDispose]();

    resolver.names.delete("moves.test");
    await frontend.until("no address", ({ master }) => master?.address === null);
    await frontend.until("HAProxy", ({ haproxy }) => haproxy.settled);
    await using stranger = await startNamedServer("stranger", { address: "127.0.0.2", port });
    using session = openSession(port);
    await frontend.until("a waiting connection", ({ traffic }) => traffic?.waiting === 1);
    const { asked } = resolver;
    await waitFor(() => resolver.asked > asked + 4, { what: "two more questions" });
    expect(session.open).toBe(true);
    expect(stranger.taken).toBe(0);

    await using _b = await startNamedServer("a again", { address: "127.0.0.3", port });
    resolver.names.set("moves.test", ["127.0.0.3"]);
    expect(await session.name).toBe("a again");
    expect(stranger.taken).toBe(0);
  });

  it("is kept while the resolver can't be asked, which is another case", async () => {
    resolver.names.set("stays.test", ["127.0.0.2"]);
    await using group = openGroup(etcd, "stays");
    await using frontend = await startFrontend(etcd.endpoint, group.name, {
      under: resolver.within,
      env: { MSDHA_LOOKUP_INTERVAL: "0.2" },
    });
    await using _a = await startNamedServer("a", { address: "127.0.0.2", port: frontend.port });
    await group.becomeMaster("a", { address: "stays.test" });
    await serving(frontend, "a");
    resolver.silent = true;
    try {
      await waitFor(() => /can't be resolved/.test(frontend.log()), { what: "a line", timeoutMs: 30_000 });
      expect(await askName(frontend.port)).toBe("a");
    } finally {
      resolver.silent = false;
    }
  });
});
