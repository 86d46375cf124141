import { connectEtcd } from "@msdha/etcd-client";
import { openSession } from "@msdha/etcd-lock";

await using etcd = connectEtcd(process.env["ETCDCTL_ENDPOINTS"] ?? "http://127.0.0.1:2379");
await using session = await openSession(etcd, "/jobs", { ttlSeconds: 2 });
session.lost.addEventListener("abort", () => console.error("end the work under both locks"));
const [reports, mails] = await Promise.all([session.acquire("reports"), session.acquire("mails")]);
console.log(`two locks, two tokens: ${reports.token !== mails.token}`);
console.log(`handed over: ${await reports.handOver()}, ${await mails.handOver()}`);
