import { connectEtcd } from "@msdha/etcd-client";
import { join, mastership } from "@msdha/group";

await using etcd = connectEtcd(process.env["ETCDCTL_ENDPOINTS"] ?? "http://127.0.0.1:2379");
await using member = await join(etcd, "db", { name: "a", address: "127.0.0.1", ttlSeconds: 2 });
await member.enter("ready");
const lead = await member.campaign();
await lead.settled();
if ((await lead.elect()).node === member.name) {
  await lead.publish();
  await lead.put("schema", "7", { timeoutMs: 1_000 });
  while (mastership(member.view).kind !== "master") await member.changed({ since: member.view });
  console.log(mastership(member.view));
}
await lead.handOver();
console.log("handed over");
