import { spawn } from "node:child_process";
import { connectEtcd } from "@msdha/etcd-client";
import { campaign } from "@msdha/etcd-lock";

await using etcd = connectEtcd(process.env["ETCDCTL_ENDPOINTS"] ?? "http://127.0.0.1:2379");
for await (const lock of campaign(etcd, "/jobs/import", { ttlSeconds: 2 })) {
  console.log(`importing here, token ${lock.token}`);
  const env = { ...process.env, TOKEN: String(lock.token) };
  const job = spawn("sh", ["import.sh"], {
    env,
    stdio: "inherit",
    signal: lock.signal,
    killSignal: "SIGKILL",
  });
  job.on("error", (error) => console.error(error.message));
  await new Promise((ended) => job.once("close", ended));
}
