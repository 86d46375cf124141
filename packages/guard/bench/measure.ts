// Prints what the guard costs and how long it takes, one JSON object; what faults leave running: faults.ts.
// node --conditions=@msdha/source bench/measure.ts [ROUNDS]
import { readFileSync } from "node:fs";
import { systemClock } from "@msdha/clock";
import { startGuard } from "@msdha/guard";
import { buildGuard, mark, program } from "../test/support.ts";

const rounds = Number(process.argv[2] ?? 15);
const family = ["sh", "-c", "trap '' TERM; for i in 1 2 3 4 5; do setsid sleep 60 & done; wait"] as const;

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return Math.round((sorted[Math.floor(sorted.length / 2)] ?? Number.NaN) * 100) / 100;
}

function summary(values: readonly number[]): { median: number; max: number } {
  return { median: median(values), max: Math.round(Math.max(...values) * 100) / 100 };
}

async function repeat(measure: () => Promise<number>): Promise<{ median: number; max: number }> {
  const values: number[] = [];
  for (let round = 0; round < rounds; round++) values.push(await measure());
  return summary(values);
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const from = performance.now();
  await work();
  return performance.now() - from;
}

function pssKb(pid: number): number {
  return Number(/^Pss:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, "utf8"))?.[1]);
}

async function withFamily(
  work: (guard: Awaited<ReturnType<typeof startGuard>>) => Promise<number>,
): Promise<number> {
  using marked = mark();
  await using guard = await startGuard();
  const { env } = marked;
  await guard.spawn(family[0], family.slice(1), { env, output: "inherit" });
  while (marked.alive().length < 6);
  return await work(guard);
}

buildGuard();
const startMs = await repeat(async () => {
  const from = performance.now();
  await using _ = await startGuard();
  return performance.now() - from;
});

const running = await startGuard();
const env = { PATH: process.env["PATH"] };
const spawnMs = await repeat(() => timed(() => running.spawn("/bin/true", [], { env, output: "pipe" })));
const spawnToExitMs = await repeat(() =>
  timed(async () => (await running.spawn("/bin/true", [], { env, output: "pipe" })).exited),
);
const confirmDeadlineMs = await repeat(() => timed(() => running.setDeadline(systemClock.now() + 60_000)));
const { outer, inner } = running.pids;
const pairPssKb = pssKb(outer) + pssKb(inner);
await running[Symbol.asyncDispose]();

const deadlineToGoneMs = await repeat(() =>
  withFamily(async (guard) => {
    const at = systemClock.now() + 50;
    await guard.setDeadline(at).catch(() => {}); // a busy machine may confirm it too late
    await guard.gone();
    return systemClock.now() - at;
  }),
);
const killAllMs = await repeat(() => withFamily((guard) => timed(() => guard.killAll())));
const bombGoneMs = await repeat(async () => {
  using marked = mark();
  await using guard = await startGuard();
  await guard.spawn("perl", [program("bomb.pl"), "7", "20"], { env: marked.env, output: "inherit" });
  while (marked.alive().length < 200) await systemClock.sleep(5);
  return await timed(() => guard.killAll());
});

console.log(
  JSON.stringify(
    {
      rounds,
      startMs,
      spawnMs,
      spawnToExitMs,
      confirmDeadlineMs,
      deadlineToGoneMs,
      killAllMs,
      bombGoneMs,
      pairPssKb,
    },
    undefined,
    2,
  ),
);
