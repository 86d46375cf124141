import { type EtcdCluster, startEtcdCluster, startTcpProxy, type TcpProxy, waitFor } from "@msdha/testkit";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { connectEtcd, connectMember, type Etcd, EtcdUnavailableError, waitForEtcd } from "../src/index.ts";
import { collect, settingsFor } from "./support.ts";

const limit = { timeoutMs: 6_000 };
const key = { key: "k" };
const nothing = { compare: [], success: [], failure: [] };

let cluster: EtcdCluster;
let proxies: TcpProxy[];

beforeAll(async () => {
  cluster = await startEtcdCluster(3);
  proxies = await Promise.all(cluster.members.map(({ clientPort }) => startTcpProxy(clientPort)));
});

afterAll(async () => {
  await Promise.all((proxies ?? []).map((proxy) => proxy[Symbol.asyncDispose]()));
  await cluster?.[Symbol.asyncDispose]();
});

/** A client that talks to `first`, because it is asked first. */
function connectFirst(first: number): Etcd {
  const order = [first, (first + 1) % 3, (first + 2) % 3];
  return connectEtcd(settingsFor(...order.map((index) => (proxies[index] as TcpProxy).address)));
}

const faults = {
  frozen: {
    begin: async (index: number) => cluster.members[index]?.freeze(),
    end: async (index: number) => cluster.members[index]?.thaw(),
  },
  killed: {
    begin: async (index: number) => cluster.members[index]?.kill(),
    end: async (index: number) => cluster.members[index]?.restart(),
  },
  "behind a connection that drops every packet": {
    begin: async (index: number) => proxies[index]?.setMode("silent"),
    end: async (index: number) => proxies[index]?.setMode("pass"),
  },
};

describe("the loss of the member that is talked to costs about half a second, or an election", () => {
  const cases = Object.keys(faults).flatMap((fault) =>
    ["a follower", "the leader"].map((role) => ({ fault, role })),
  );

  test.each(cases)("when it is $role and $fault", async ({ fault, role }) => {
    const leader = await cluster.leader();
    const victim = role === "the leader" ? leader : (leader + 1) % 3;
    const { begin, end } = faults[fault as keyof typeof faults];
    await using etcd = connectFirst(victim);
    const { id } = await etcd.leaseGrant(6, limit);
    await begin(victim);
    try {
      const since = performance.now();
      const [{ revision }, ttl] = await Promise.all([etcd.range(key, limit), etcd.leaseKeepAlive(id, limit)]);
      await etcd.txn(nothing, limit);
      const tookMs = performance.now() - since;
      expect({ revision: revision > 0, ttl }).toEqual({ revision: true, ttl: 6 });
      // An election takes 1 to 2 s by etcd's defaults, all else is ours.
      const electing = role === "the leader" && fault !== "behind a connection that drops every packet";
      expect(tookMs).toBeLessThan(electing ? 4_500 : 1_500);
      const again = performance.now();
      await etcd.range(key, limit);
      expect(performance.now() - again).toBeLessThan(300);
    } finally {
      await end(victim);
      await cluster.ready();
    }
  });
});

test("a watch goes on through another member when its own is killed", async () => {
  const leader = await cluster.leader();
  const victim = (leader + 1) % 3;
  await using etcd = connectFirst(victim);
  const { signal } = new AbortController();
  const first = collect(etcd.watch(key, { signal }));
  await waitFor(() => first.messages.length > 0, { what: "the first watch" });
  await cluster.members[victim]?.kill();
  try {
    expect(await first.ended).toBeInstanceOf(EtcdUnavailableError);
    const second = collect(etcd.watch(key, { signal }));
    await waitFor(() => second.messages.length > 0, { what: "the second watch" });
  } finally {
    await cluster.members[victim]?.restart();
    await cluster.ready();
  }
});

test("a member that has lost its leader ends its watches and refuses calls at once", async () => {
  const leader = await cluster.leader();
  const [alone, other] = [(leader + 1) % 3, (leader + 2) % 3];
  await using member = connectMember(settingsFor((proxies[alone] as TcpProxy).address), 0);
  const watch = collect(member.watch(key, { signal: new AbortController().signal }));
  await waitFor(() => watch.messages.length > 0, { what: "the watch" });
  const { id } = await member.leaseGrant(60, limit);
  cluster.members[leader]?.freeze();
  cluster.members[other]?.freeze();
  try {
    const error = await watch.ended;
    expect(error).toBeInstanceOf(EtcdUnavailableError);
    expect(error.message).toMatch(/no leader/);
    const since = performance.now();
    await expect(member.range(key, limit)).rejects.toThrow(/no leader/);
    await expect(member.leaseKeepAlive(id, limit)).rejects.toThrow(/no leader/);
    await expect(member.leaseTimeToLive(id, limit)).rejects.toThrow(/no leader/);
    expect(performance.now() - since).toBeLessThan(1_000);
  } finally {
    cluster.members[leader]?.thaw();
    cluster.members[other]?.thaw();
    await cluster.ready();
  }
});

test("the whole cluster is waited for, each failed try is told, and it is found when it is back", async () => {
  await using etcd = connectFirst(0);
  for (const proxy of proxies) await proxy.setMode("refuse");
  const told: string[] = [];
  const up = waitForEtcd(etcd, { timeoutMs: 30_000, onRetry: ({ message }) => told.push(message) });
  await waitFor(() => told.length > 0, { what: "a failed try" });
  for (const proxy of proxies) await proxy.setMode("pass");
  await up;
  expect(told[0]).toMatch(
    /^etcd gave no answer within 2000 ms: (etcd at 127\.0\.0\.1:\d+: cannot connect: [^;]*(; )?){3}$/,
  );
});
