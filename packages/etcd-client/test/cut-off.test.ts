import { type EtcdCluster, startEtcdCluster, waitFor } from "@msdha/testkit";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { connectEtcd, EtcdUnavailableError } from "../src/index.ts";
import { collect, settingsFor } from "./support.ts";

const limit = { timeoutMs: 8_000 };
const key = { key: "k" };

let cluster: EtcdCluster;

beforeAll(async () => {
  cluster = await startEtcdCluster(3, { isolatable: true });
});

afterAll(async () => {
  await cluster?.[Symbol.asyncDispose]();
});

describe("when the member that is talked to is cut off from its cluster", () => {
  test.each(["a follower", "the leader"])(
    "and is %s, calls and the next watch go to another",
    async (role) => {
      const leader = await cluster.leader();
      const victim = role === "the leader" ? leader : (leader + 1) % 3;
      const order = [victim, (victim + 1) % 3, (victim + 2) % 3];
      await using etcd = connectEtcd(
        settingsFor(...order.map((index) => `127.0.0.1:${cluster.members[index]?.clientPort}`)),
      );
      const { signal } = new AbortController();
      const first = collect(etcd.watch(key, { signal }));
      const { id } = await etcd.leaseGrant(30, limit);
      await waitFor(() => first.messages.length > 0, { what: "the watch" });
      await cluster.isolate(victim);
      try {
        const since = performance.now();
        const [ttl] = await Promise.all([etcd.leaseKeepAlive(id, limit), etcd.range(key, limit)]);
        await etcd.txn(
          { compare: [], success: [{ type: "put", key: "k", value: role }], failure: [] },
          limit,
        );
        expect(ttl).toBe(30);
        expect(performance.now() - since).toBeLessThan(6_000);
        expect(await first.ended).toBeInstanceOf(EtcdUnavailableError);
        const second = collect(etcd.watch({ ...key, startRevision: 1 }, { signal }));
        await waitFor(() => second.values().includes(role), { what: "the write, on another member" });
      } finally {
        await cluster.rejoin(victim);
        await cluster.ready();
      }
    },
  );
});
