import { systemClock } from "@msdha/clock";
import type { Etcd } from "@msdha/etcd-client";
import { type EtcdCluster, startEtcdCluster, startTcpProxy, type TcpProxy, waitFor } from "@msdha/testkit";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { acquireLease, type Lease } from "../src/index.ts";
import { connect, lossOf, putOnLease } from "./harness.ts";

let cluster: EtcdCluster;
const proxies: TcpProxy[] = [];

beforeAll(async () => {
  cluster = await startEtcdCluster(3);
  for (const { clientPort } of cluster.members) proxies.push(await startTcpProxy(clientPort));
});

afterAll(async () => {
  for (const proxy of proxies) await proxy[Symbol.asyncDispose]();
  await cluster?.[Symbol.asyncDispose]();
});

interface Held extends AsyncDisposable {
  readonly etcd: Etcd;
  readonly lease: Lease;
}

/** A lease whose client talks to the member `index` as long as that answers. */
async function holdThrough(index: number, ttlSeconds: number): Promise<Held> {
  const ports = [0, 1, 2].map((step) => (proxies[(index + step) % 3] as TcpProxy).port);
  const etcd = connect(...ports);
  const lease = await acquireLease(etcd, { ttlSeconds, probeKey: "/msdha/" });
  const key = `/msdha/db/n${index}`;
  await putOnLease(etcd, key, lease);
  lease.prove({ key });
  return {
    etcd,
    lease,
    async [Symbol.asyncDispose]() {
      await lease.release();
      await etcd[Symbol.asyncDispose]();
    },
  };
}

describe("leases of 6 s, each held through another member, survive", () => {
  const member = (index: number) => cluster.members[index] as EtcdCluster["members"][number];
  const faults = {
    freeze: (index: number) => member(index).freeze(),
    kill: (index: number) => member(index).kill(),
    "black hole": (index: number) => (proxies[index] as TcpProxy).setMode("silent"),
  };
  const cures = {
    freeze: (index: number) => member(index).thaw(),
    kill: (index: number) => member(index).restart(),
    "black hole": (index: number) => (proxies[index] as TcpProxy).setMode("pass"),
  };

  test.each(
    (["freeze", "kill", "black hole"] as const).flatMap((fault) => [
      [fault, "the leader"] as const,
      [fault, "a follower"] as const,
    ]),
  )("the %s of %s", async (fault, who) => {
    const leader = await cluster.leader();
    const target = who === "the leader" ? leader : (leader + 1) % 3;
    await using first = await holdThrough(0, 6);
    await using second = await holdThrough(1, 6);
    await using third = await holdThrough(2, 6);
    const leases = [first, second, third].map(({ lease }) => lease);
    const at = systemClock.now();
    await faults[fault](target);
    try {
      await waitFor(
        () => leases.some(({ lost }) => lost.aborted) || leases.every(({ seen }) => seen > at + 6_000),
        {
          what: "proofs for one time to live",
          timeoutMs: 15_000,
        },
      );
      expect(leases.map(({ lost }) => lost.aborted)).toEqual([false, false, false]);
    } finally {
      await cures[fault](target);
      await cluster.ready();
    }
  });
});

test("a leader that has lost the others may renew a lease, but proves nothing", async () => {
  const leader = await cluster.leader();
  await using held = await holdThrough(leader, 3);
  const others = cluster.members.filter((_, index) => index !== leader);
  await waitFor(() => held.lease.seen > 0, { what: "a proof" });
  for (const other of others) other.freeze();
  const at = systemClock.now();
  try {
    const { error } = await lossOf(held.lease);
    expect(error.kind).toBe("expired");
    expect(error.seen).toBeLessThanOrEqual(at);
  } finally {
    for (const other of others) other.thaw();
    await cluster.ready();
  }
});
