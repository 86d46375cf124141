// How old the last proof gets while a member fails: node --conditions=@msdha/source packages/etcd-lease/bench/margin.ts
import { systemClock } from "@msdha/clock";
import { startEtcdCluster, startTcpProxy, type TcpProxy } from "@msdha/testkit";
import { acquireLease } from "../src/index.ts";
import { connect, putOnLease } from "../test/harness.ts";

const TTL_SECONDS = Number(process.argv[2] ?? 6);

await using cluster = await startEtcdCluster(3);
const proxies = await Promise.all(cluster.members.map(({ clientPort }) => startTcpProxy(clientPort)));
const member = (index: number) => cluster.members[index] as (typeof cluster.members)[number];
const proxy = (index: number): TcpProxy => proxies[index] as TcpProxy;

const faults: Record<string, (index: number) => Promise<() => Promise<void> | void>> = {
  freeze: async (index) => {
    member(index).freeze();
    return () => member(index).thaw();
  },
  kill: async (index) => {
    await member(index).kill();
    return () => member(index).restart();
  },
  "black hole": async (index) => {
    await proxy(index).setMode("silent");
    return () => proxy(index).setMode("pass");
  },
};

for (const [name, begin] of Object.entries(faults)) {
  for (const role of ["leader", "follower"]) {
    const leader = await cluster.leader();
    const target = role === "leader" ? leader : (leader + 1) % 3;
    const held = [];
    for (const first of [0, 1, 2]) {
      const etcd = connect(...[0, 1, 2].map((step) => proxy((first + step) % 3).port));
      let oldest = 0;
      let last = systemClock.now();
      const onProof = (seen: number): void => {
        oldest = Math.max(oldest, systemClock.now() - last);
        last = seen;
      };
      const lease = await acquireLease(etcd, { ttlSeconds: TTL_SECONDS, probeKey: "/msdha/", onProof });
      last = lease.seen;
      await putOnLease(etcd, `/msdha/bench/${first}`, lease);
      lease.prove({ key: `/msdha/bench/${first}` });
      held.push({ etcd, lease, oldest: () => oldest });
    }
    await systemClock.sleep(TTL_SECONDS * 500);
    const end = await begin(target);
    await systemClock.sleep(TTL_SECONDS * 2_000);
    const ages = held.map(
      ({ lease, oldest }) => `${oldest().toFixed(0)}${lease.lost.aborted ? " (lost)" : ""}`,
    );
    const through = held.map((_, index) =>
      index === target ? "itself" : index === leader ? "leader" : "follower",
    );
    console.log(
      `${name} of the ${role}: oldest proof ms ${ages.map((age, n) => `${age} via ${through[n]}`).join(", ")}`,
    );
    await end();
    await cluster.ready();
    for (const { etcd, lease } of held) {
      await lease.release();
      await etcd[Symbol.asyncDispose]();
    }
  }
}
for (const each of proxies) await each[Symbol.asyncDispose]();
