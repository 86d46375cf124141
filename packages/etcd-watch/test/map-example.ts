import { connectEtcd, readEtcdSettings } from "@msdha/etcd-client";
import { followPrefix } from "@msdha/etcd-watch";

await using etcd = connectEtcd(readEtcdSettings(process.env));
await using nodes = await followPrefix(etcd, "/msdha/db/", { decode: ({ value }) => value });
console.error("following");
for await (const { keys } of nodes.changes()) {
  for (const key of keys) console.log(key, nodes.state.get(key));
  if (nodes.state.get("/msdha/db/a") === "stop") break;
}
