import { startEtcd } from "../../src/index.ts";

const etcd = await startEtcd();
process.send?.(etcd.pid);
setInterval(() => {}, 1_000);
