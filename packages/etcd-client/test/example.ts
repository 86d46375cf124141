import { connectEtcd, waitForEtcd } from "@msdha/etcd-client";

await using etcd = connectEtcd(
  process.env["ETCDCTL_ENDPOINTS"] ?? "http://127.0.0.1:2379,http://127.0.0.1:22379",
);
await waitForEtcd(etcd, { timeoutMs: 10_000, onRetry: ({ message }) => console.warn(message) });

await etcd.put("/greeting", "hello");
const greeting = await etcd.get("/greeting");
console.log(greeting?.value, await etcd.delete("/greeting"));

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
