import { connectEtcd, readEtcdSettings } from "@msdha/etcd-client";
import { watchPrefix } from "@msdha/etcd-watch";

await using etcd = connectEtcd(readEtcdSettings(process.env));
const onHealth = (up: boolean, why?: Error) =>
  console.error(up ? "following" : `not following: ${why?.message}`);

for await (const batch of watchPrefix(etcd, "/msdha/db/", { onHealth })) {
  if (batch.type === "snapshot") {
    for (const { key, value } of batch.kvs) console.log("init", key, value);
    continue;
  }
  if (batch.resync) console.error("single steps may be missing here");
  for (const { type, kv } of batch.events) console.log(type, kv.key, kv.value);
  if (batch.events.some(({ kv }) => kv.value === "stop")) break;
}
