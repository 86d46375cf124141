import { connectEtcd, readEtcdSettings } from "@msdha/etcd-client";
import { acquireLease } from "@msdha/etcd-lease";

await using etcd = connectEtcd(readEtcdSettings(process.env));
await using lease = await acquireLease(etcd, { ttlSeconds: 10 });
lease.lost.addEventListener("abort", () => console.error(`stop everything: ${lease.lost.reason.message}`));

const key = "/msdha/db/node1";
await etcd.txn(
  { compare: [], success: [{ type: "put", key, value: "ready", lease: lease.id }], failure: [] },
  { timeoutMs: 5_000 },
);
lease.prove({ key });
lease.throwIfLost();
console.log(`nobody else had the key before ${lease.seen}, and it is ours until ${lease.seen + lease.ttlMs}`);
