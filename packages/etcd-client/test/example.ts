import { connectEtcd, waitForEtcd } from "@msdha/etcd-client";

await using etcd = connectEtcd(
  process.env["ETCDCTL_ENDPOINTS"] ?? "http://127.0.0.1:2379,http://127.0.0.1:22379",
);
await waitForEtcd(etcd, { timeoutMs: 10_000, onRetry: ({ message }) => console.warn(message) });

await etcd.put("/greetings/en", "hello");
const { revision } = await etcd.put("/greetings/raw", Uint8Array.of(0xff, 0x00));
const raw = await etcd.get("/greetings/raw", { revision, bytes: true });
const { kvs } = await etcd.range({ key: "/greetings/", prefix: true, limit: 10 });
console.log(kvs[0]?.value, raw?.value, await etcd.delete("/greetings/en"));

const { id } = await etcd.leaseGrant(10, { timeoutMs: 5_000 });
const { succeeded } = await etcd.txn(
  {
    compare: [{ key: "/lock", target: "create", is: "=", value: 0 }],
    success: [{ type: "put", key: "/lock", value: "me", lease: id }],
    failure: [{ type: "range", key: "/lock" }],
  },
  { timeoutMs: 5_000 },
);
console.log(succeeded ? "the lock is mine" : "somebody else has it");
