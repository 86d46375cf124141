// Holds a lease of 3 s and says all the time whether it believes it; ends when it does not.
import { connectEtcd, readEtcdSettings } from "@msdha/etcd-client";
import { acquireLease } from "../src/index.ts";

const etcd = connectEtcd(readEtcdSettings(process.env));
const lease = await acquireLease(etcd, {
  ttlSeconds: 3,
  probeKey: "/msdha/",
  onProof: () => console.log("proved"),
});

setInterval(() => {
  try {
    lease.throwIfLost();
    console.log("believed");
  } catch {
    console.log(`lost: ${lease.lost.reason.kind}`);
    process.exit(1);
  }
}, 100);
