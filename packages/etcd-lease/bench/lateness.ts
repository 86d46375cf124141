// How late `lost` is: node --conditions=@msdha/source packages/etcd-lease/bench/lateness.ts [RUNS]
import { systemClock } from "@msdha/clock";
import { startEtcd, startTcpProxy } from "@msdha/testkit";
import { acquireLease, type Lease } from "../src/index.ts";
import { connect, lossOf, putOnLease } from "../test/harness.ts";

const TTL_SECONDS = 3;
/** Held side by side, begun at different moments. */
const LEASES = 5;
const runs = Number(process.argv[2] ?? 3);

await using etcd = await startEtcd();
await using proxy = await startTcpProxy(etcd.clientPort);
await using client = connect(proxy.port);

const faults: Record<string, { begin(): Promise<void> | void; end(): Promise<void> | void }> = {
  frozen: { begin: () => etcd.freeze(), end: () => etcd.thaw() },
  dead: { begin: () => etcd.kill(), end: () => etcd.restart() },
  "black-holed": { begin: () => proxy.setMode("silent"), end: () => proxy.setMode("pass") },
  refused: { begin: () => proxy.setMode("refuse"), end: () => proxy.setMode("pass") },
  "restarted at the deadline": {
    begin: async () => {
      await etcd.kill();
      await systemClock.sleep(TTL_SECONDS * 1_000 - 200);
      await etcd.restart();
    },
    end: () => {},
  },
};

/** How late a bare sleep is beside it all: what the machine's load alone makes. */
async function watchSleep(signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    const until = systemClock.now() + 5;
    await systemClock.sleep(5, { signal });
    control = Math.max(control, systemClock.now() - until);
  }
}

let control = 0;
const over = new AbortController();
const watching = watchSleep(over.signal).catch(() => {});
let worst = 0;
for (const [name, fault] of Object.entries(faults)) {
  control = 0;
  const late: number[] = [];
  let kept = 0;
  for (let run = 0; run < runs; run += 1) {
    const leases: Lease[] = [];
    for (let n = 0; n < LEASES; n += 1) {
      const lease = await acquireLease(client, { ttlSeconds: TTL_SECONDS, probeKey: "/msdha/" });
      leases.push(lease);
      await putOnLease(client, `/msdha/bench/${n}`, lease);
      lease.prove({ key: `/msdha/bench/${n}` });
      await systemClock.sleep((TTL_SECONDS * 1_000) / 3 / LEASES);
    }
    const losses = leases.map(lossOf);
    const begun = fault.begin();
    const enough = systemClock.sleep(TTL_SECONDS * 2_000).then(() => undefined);
    for (const loss of losses) {
      const lost = await Promise.race([loss, enough]);
      if (lost) late.push(lost.at - lost.error.deadline);
      else kept += 1;
    }
    await begun;
    await fault.end();
    await etcd.ready();
    for (const lease of leases) await lease.release();
  }
  late.sort((a, b) => a - b);
  const figures = [late[0], late[late.length >> 1], late.at(-1)].map((ms) => ms?.toFixed(2));
  console.log(
    `${name}: ${late.length} lost, ${kept} kept; ms late, min/median/max: ${figures.join(" / ")}; a bare sleep: ${control.toFixed(2)}`,
  );
  worst = Math.max(worst, late.at(-1) ?? 0);
}
over.abort();
await watching;
console.log(`the latest: ${worst.toFixed(2)} ms`);
