// Prints what the guard costs and how long it takes, one JSON object. node --conditions=@msdha/source bench/measure.ts [ROUNDS]
import { readFileSync } from "node:fs";
import { systemClock } from "@msdha/clock";
import { startGuard } from "@msdha/guard";
import {
  buildGuard,
  freeze,
  killNow,
  mark,
  parentOf,
  processesWhere,
  program,
  startSupervisor,
} from "../test/support.ts";
import { openFreezer } from "./freezer.ts";

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

function guardOf(supervisor: number): number[] {
  const outer = processesWhere((pid) => parentOf(pid) === supervisor);
  return [...outer, ...processesWhere((pid) => outer.includes(parentOf(pid)))];
}

/** Looks without a pause until nothing with the mark is alive; its own look takes a few milliseconds. */
function untilDead(marked: ReturnType<typeof mark>): number {
  while (marked.alive().length > 0);
  return systemClock.now();
}

async function withFamily(
  work: (guard: Awaited<ReturnType<typeof startGuard>>, marked: ReturnType<typeof mark>) => Promise<number>,
): Promise<number> {
  using marked = mark();
  await using guard = await startGuard();
  const { env } = marked;
  await guard.spawn(family[0], family.slice(1), { env, output: "inherit" });
  while (marked.alive().length < 6);
  return await work(guard, marked);
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
    await guard.setDeadline(at);
    await guard.gone();
    return systemClock.now() - at;
  }),
);
const killAllMs = await repeat(() => withFamily((guard) => timed(() => guard.killAll())));
const innerKilledToGoneMs = await repeat(() =>
  withFamily((guard) =>
    timed(async () => {
      killNow(guard.pids.inner);
      await guard.gone();
    }),
  ),
);
const bombGoneMs = await repeat(async () => {
  using marked = mark();
  await using guard = await startGuard();
  await guard.spawn("perl", [program("bomb.pl"), "7", "20"], { env: marked.env, output: "inherit" });
  while (marked.alive().length < 200) await systemClock.sleep(5);
  return await timed(() => guard.killAll());
});

async function withSupervisor(
  deadlineMs: number | undefined,
  work: (pid: number, deadline: number, marked: ReturnType<typeof mark>) => Promise<number>,
): Promise<number> {
  using marked = mark();
  const plan = { spawn: [family], ...(deadlineMs !== undefined && { deadlineMs }) };
  await using supervisor = startSupervisor(plan, marked);
  const { deadline } = await supervisor.event("ready");
  while (marked.alive().length < 6);
  return await work(supervisor.pid, Number(deadline), marked);
}

const supervisorKilledToDeadMs = await repeat(() =>
  withSupervisor(undefined, async (pid, _, marked) => {
    const from = systemClock.now();
    killNow(pid);
    return untilDead(marked) - from;
  }),
);
const frozenSupervisorDeadlineToDeadMs = await repeat(() =>
  withSupervisor(300, async (pid, deadline, marked) => {
    await freeze(pid);
    return untilDead(marked) - deadline;
  }),
);
/** Supervisor, guard and all it started stand still together past the deadline, as under `docker pause`. */
const freezer = openFreezer();
const thawedAfterDeadlineToDeadMs = freezer
  ? await repeat(() =>
      withSupervisor(300, async (pid, deadline, marked) => {
        for (const each of [pid, ...guardOf(pid), ...marked.alive()]) freezer.add(each);
        await freezer.freeze();
        await systemClock.sleep(deadline + 200 - systemClock.now());
        const from = systemClock.now();
        freezer.thaw();
        return untilDead(marked) - from;
      }),
    )
  : "no freezer here";
const lookMs = summary(
  Array.from({ length: rounds }, () => {
    using marked = mark();
    const from = performance.now();
    marked.alive();
    return performance.now() - from;
  }),
);

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
      innerKilledToGoneMs,
      bombGoneMs,
      supervisorKilledToDeadMs,
      frozenSupervisorDeadlineToDeadMs,
      thawedAfterDeadlineToDeadMs,
      lookMs,
      pairPssKb,
    },
    undefined,
    2,
  ),
);
freezer?.[Symbol.dispose]();
