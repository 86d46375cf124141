/**
 * Measures a frontend on this machine, with a real etcd and a real HAProxy, and prints one line a figure:
 * `node --conditions=@msdha/source packages/frontend/bench/bench.ts [--switches 60] [--rounds 5]`.
 */
import { parseArgs } from "node:util";
import { startEtcd } from "@msdha/testkit";
import { openGroup, startFrontend } from "../test/support.ts";
import { measureMemory, measureProcessor } from "./memory.ts";
import { measureParking, measureSwitches } from "./switches.ts";
import { measureThroughput } from "./throughput.ts";

const { values } = parseArgs({
  options: { switches: { type: "string", default: "60" }, rounds: { type: "string", default: "5" } },
});

await using etcd = await startEtcd();
await using group = openGroup(etcd, "bench");
await using frontend = await startFrontend(etcd.endpoint, group.name);
await frontend.until("etcd to be followed", ({ following }) => following);

await measureMemory(frontend);
await measureProcessor(frontend, "idle");
await measureSwitches(frontend, group, { switches: Number(values.switches) });
await measureParking(frontend, group, { clients: 1_000 });
await measureThroughput(frontend, group, { rounds: Number(values.rounds) });
