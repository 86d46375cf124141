import { createLog } from "@msdha/log";

const { log, flush } = createLog({ format: "text", fd: 1 });
log.info({ node: "one", state: "ready" }, "joined the group");
log.warn({ err: new Error("no answer\u001b[2J") }, "etcd does not answer yet");
await flush();
