import { systemClock } from "@msdha/clock";
import type { Etcd } from "@msdha/etcd-client";
import { type EtcdCluster, startEtcdCluster, startTcpProxy, type TcpProxy, waitFor } from "@msdha/testkit";
import { expect } from "vitest";
import { acquireLease, type Lease } from "../src/index.ts";
import { connect, putOnLease } from "./harness.ts";

/** Three members of etcd, each behind a proxy. */
export interface ThreeMembers extends AsyncDisposable {
  readonly cluster: EtcdCluster;
  /** Takes a lease whose client talks to the member `index` as long as that answers. */
  holdThrough(index: number, ttlSeconds: number): Promise<Held>;
  /** Asserts that leases of 6 s, each held through another member, survive a fault of the member `target` for one TTL. */
  expectSurvival(fault: MemberFault, target: number): Promise<void>;
}

export interface Held extends AsyncDisposable {
  readonly lease: Lease;
}

export const memberFaults = ["freeze", "kill", "black hole"] as const;
export type MemberFault = (typeof memberFaults)[number];

const TTL_SECONDS = 6;

export async function startThreeMembers(): Promise<ThreeMembers> {
  const cluster = await startEtcdCluster(3);
  const proxies: TcpProxy[] = [];
  for (const { clientPort } of cluster.members) proxies.push(await startTcpProxy(clientPort));

  async function holdThrough(index: number, ttlSeconds: number): Promise<Held> {
    const ports = [0, 1, 2].map((step) => (proxies[(index + step) % 3] as TcpProxy).port);
    const etcd: Etcd = connect(...ports);
    const lease = await acquireLease(etcd, { ttlSeconds, probeKey: "/msdha/" });
    const key = `/msdha/db/n${index}`;
    await putOnLease(etcd, key, lease);
    lease.prove({ key });
    return {
      lease,
      async [Symbol.asyncDispose]() {
        await lease.release();
        await etcd[Symbol.asyncDispose]();
      },
    };
  }

  const member = (index: number) => cluster.members[index] as EtcdCluster["members"][number];
  const proxy = (index: number) => proxies[index] as TcpProxy;
  const begin: Readonly<Record<MemberFault, (index: number) => unknown>> = {
    freeze: (index) => member(index).freeze(),
    kill: (index) => member(index).kill(),
    "black hole": (index) => proxy(index).setMode("silent"),
  };
  const end: Readonly<Record<MemberFault, (index: number) => unknown>> = {
    freeze: (index) => member(index).thaw(),
    kill: (index) => member(index).restart(),
    "black hole": (index) => proxy(index).setMode("pass"),
  };

  return {
    cluster,
    holdThrough,
    async expectSurvival(fault, target) {
      await using first = await holdThrough(0, TTL_SECONDS);
      await using second = await holdThrough(1, TTL_SECONDS);
      await using third = await holdThrough(2, TTL_SECONDS);
      const leases = [first, second, third].map(({ lease }) => lease);
      const at = systemClock.now();
      await begin[fault](target);
      try {
        await waitFor(
          () =>
            leases.some(({ lost }) => lost.aborted) ||
            leases.every(({ seen }) => seen > at + TTL_SECONDS * 1_000),
          { what: "proofs for one time to live", timeoutMs: 15_000 },
        );
        expect(leases.map(({ lost }) => lost.aborted)).toEqual([false, false, false]);
      } finally {
        await end[fault](target);
        await cluster.ready();
      }
    },
    async [Symbol.asyncDispose]() {
      for (const each of proxies) await each[Symbol.asyncDispose]();
      await cluster[Symbol.asyncDispose]();
    },
  };
}
