import { connectEtcd, readEtcdSettings } from "@msdha/etcd-client";
import { acquireLease } from "@msdha/etcd-lease";

await using etcd = connectEtcd(readEtcdSettings(process.env));
const key = "/workers/node1";
await using lease = await acquireLease(etcd, { ttlSeconds: 10, probeKey: key });
lease.lost.addEventListener("abort", () => console.error(`stop everything: ${lease.lost.reason.message}`));

await etcd.put(key, "ready", { lease: lease.id });
lease.prove({ key });
lease.throwIfLost();
console.log(`nobody else had the key before ${lease.seen}, and it is ours until ${lease.seen + lease.ttlMs}`);
