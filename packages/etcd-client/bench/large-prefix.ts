// How long a large prefix takes to read: node --conditions=@msdha/source packages/etcd-client/bench/large-prefix.ts [MB]
import { systemClock } from "@msdha/clock";
import { startEtcd } from "@msdha/testkit";
import { Etcd3 } from "etcd3";
import { connectEtcd, type Operation, readAll } from "../src/index.ts";

const megabytes = Number(process.argv[2] ?? 60);
const VALUE = "x".repeat(4_000);
const PER_TRANSACTION = 100;
const limits = { timeoutMs: 10_000 };

await using member = await startEtcd({ extraArgs: ["--quota-backend-bytes=8589934592"] });
await using etcd = connectEtcd({
  endpoints: [{ address: `127.0.0.1:${member.clientPort}`, secure: false }],
});
for (let n = 0; n < (megabytes * 1e6) / VALUE.length; n += PER_TRANSACTION) {
  const success = Array.from({ length: PER_TRANSACTION }, (_, each): Operation => {
    return { type: "put", key: `/p/${n + each}`, value: VALUE };
  });
  await etcd.txn({ compare: [], success, failure: [] }, limits);
}

async function time(what: string, read: () => Promise<number>): Promise<void> {
  const begun = systemClock.now();
  const keys = await read();
  console.log(`${what}: ${keys} keys in ${((systemClock.now() - begun) / 1_000).toFixed(2)} s`);
}

const range = { key: "/p/", prefix: true };
const plain = new Etcd3({ hosts: member.endpoint, grpcOptions: { "grpc.max_receive_message_length": -1 } });
await time("etcd3's getAll", async () => Object.keys(await plain.getAll().prefix("/p/").strings()).length);
await time("readAll", async () => (await readAll(etcd, range, limits)).kvs.length);
await time(
  "readAll, keys only",
  async () => (await readAll(etcd, range, { ...limits, keysOnly: true })).kvs.length,
);
const metrics = await (await fetch(`${member.endpoint}/metrics`)).text();
console.log(/^process_resident_memory_bytes .*$/m.exec(metrics)?.[0] ?? "no memory told");
plain.close();
