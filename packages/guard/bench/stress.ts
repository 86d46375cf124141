// Hurts one process of the guard and the supervisor, at random moments, and checks that nothing survives.
// node --conditions=@msdha/source bench/stress.ts [ROUNDS]
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { tempDir, waitFor } from "@msdha/testkit";
import { startGuard } from "../src/index.ts";
import { buildGuard, isAlive, mark, program, sizeOf, startSupervisor } from "../test/support.ts";

const rounds = Number(process.argv[2] ?? 100);

function pick<T>(...choices: readonly T[]): T {
  return choices[Math.floor(Math.random() * choices.length)] as T;
}

function send(pid: number, signal: NodeJS.Signals | undefined): void {
  try {
    if (signal) process.kill(pid, signal);
  } catch {
    // It has ended.
  }
}

buildGuard();
let slowestMs = 0;
for (let round = 1; round <= rounds; round++) {
  using marked = mark();
  await using folder = tempDir();
  const file = join(folder.path, "growing");
  const lockFile = join(folder.path, "lock");
  const programs = [
    ["perl", program("daemon.pl"), "perl", program("write.pl"), file],
    ["perl", program("bomb.pl"), "4", "15"],
    ["perl", program("comet.pl"), file, "15"],
    ["sh", "-c", "yes & setsid yes >&2 & wait"],
  ] as const;
  const deadlineMs = pick(undefined, 20, 100, 300);
  const spawn = programs.filter(() => Math.random() < 0.6);
  const output = pick("pipe", "inherit") === "pipe" || spawn.includes(programs[3]) ? "pipe" : "inherit";
  await using supervisor = startSupervisor(
    { lockFile, spawn, output, ...(deadlineMs !== undefined && { deadlineMs }) },
    marked,
  );
  const ready = await Promise.race([
    supervisor.event("ready"),
    supervisor.event("lost"), // a short deadline may come first
  ]);
  const which = pick("outer", "inner") as "outer" | "inner";
  const hurts = [
    { what: `guard ${which}`, pid: ready.guard?.[which], signal: pick("SIGKILL", "SIGSTOP", undefined) },
    { what: "supervisor", pid: supervisor.pid, signal: pick("SIGKILL", "SIGSTOP", undefined) },
  ] as const;
  const story: string[] = [];
  for (const { what, pid, signal } of Math.random() < 0.5 ? hurts : [...hurts].reverse()) {
    await sleep(pick(0, 0, 1, 5, 30));
    if (pid) send(pid, signal);
    story.push(`${signal} ${what}`);
  }
  await sleep(pick(0, 5, 50));
  const from = performance.now();
  send(supervisor.pid, "SIGKILL");
  const what = `${story.join(", ")}, deadline ${deadlineMs}, ${spawn.map(([, name]) => name).join(" ")}`;
  await waitFor(() => marked.alive().length === 0, {
    what: `the end of everything after ${what}`,
    intervalMs: 2,
  });
  slowestMs = Math.max(slowestMs, performance.now() - from);
  const size = sizeOf(file);
  const guards = Object.values(ready.guard ?? {});
  await waitFor(() => !guards.some(isAlive), { what: `the end of the guard after ${what}` });
  {
    await using _ = await startGuard({ lockFile, lockWaitMs: ready.guard ? 0 : 5_000 });
  }
  if (sizeOf(file) !== size) throw new Error(`something went on writing after ${what}`);
}
console.log(JSON.stringify({ rounds, survivors: 0, slowestMs: Math.round(slowestMs) }));
