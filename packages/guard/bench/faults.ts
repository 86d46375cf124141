// Prints what is left running after each fault, and for how long, as a table.
// node --conditions=@msdha/source bench/faults.ts [RUNS] [PATTERN of the faults to run]
import { type StartedGuard, startGuard } from "@msdha/guard";
import { buildGuard, freeze, killNow } from "../test/support.ts";
import { findObstacle, SUSPENDED_MS, suspended } from "../test/time-namespace.ts";
import { openFreezer } from "./freezer.ts";
import { bomb, container, family, type Hurt, measureRun, type RunPlan, shedder } from "./run.ts";

interface Fault extends RunPlan {
  readonly title: string;
  /** Why it can't be measured here, if that is so. */
  readonly obstacle?: string | undefined;
}

const kill = (...names: readonly ("supervisor" | "outer" | "inner")[]): Hurt => {
  return async (run) => {
    // Frozen first, so that none of them notices the end of another one.
    if (names.length > 1) await freeze(...names.map((name) => run[name]));
    for (const name of names) killNow(run[name]);
  };
};
const stop = (...names: readonly ("supervisor" | "outer" | "inner")[]): Hurt => {
  return async (run) => await freeze(...names.map((name) => run[name]));
};
const both = (first: Hurt, second: Hurt): Hurt => {
  return async (run) => {
    await first(run);
    await second(run);
  };
};

const freezer = openFreezer();
const thaw: Hurt = async (run) => {
  for (const pid of [run.supervisor, run.outer, run.inner, ...run.marked.alive()]) freezer?.add(pid);
  await freezer?.freeze();
  await run.pastDeadline();
  freezer?.thaw();
};
const thawThree: Hurt = async (run) => {
  await freeze(run.supervisor, run.outer, run.inner);
  await run.pastDeadline();
  for (const pid of [run.supervisor, run.outer, run.inner]) process.kill(pid, "SIGCONT");
};
/** Resolves with how a new guard on the lock file fares, which is what a node that is started again begins with. */
const startAgain = async (lockFile: string): Promise<string> => {
  const again: StartedGuard | string = await startGuard({ lockFile }).catch((error) => String(error.code));
  if (typeof again === "string") return again;
  await again[Symbol.asyncDispose]();
  return "started";
};

const usual = { programs: family, from: "fault" } as const;
const atDeadline = { programs: family, from: "deadline", deadlineMs: 3_000 } as const;
const faults: readonly Fault[] = [
  { title: "supervisor killed", ...usual, hurt: kill("supervisor") },
  { title: "supervisor killed, a fork bomb", ...usual, programs: bomb, hurt: kill("supervisor") },
  { title: "supervisor frozen", ...atDeadline, hurt: stop("supervisor") },
  { title: "supervisor frozen, a fork bomb", ...atDeadline, programs: bomb, hurt: stop("supervisor") },
  { title: "supervisor's event loop blocked", ...atDeadline, block: true, hurt: async () => {} },
  {
    title: "supervisor frozen on a machine that was suspended",
    ...{ ...atDeadline, within: suspended, aheadMs: SUSPENDED_MS, obstacle: findObstacle() },
    hurt: stop("supervisor"),
  },
  { title: "outer guard killed", ...usual, hurt: kill("outer") },
  { title: "inner guard killed", ...usual, hurt: kill("inner") },
  { title: "inner guard killed, a fork bomb", ...usual, programs: bomb, hurt: kill("inner") },
  { title: "both guards killed", ...usual, hurt: kill("outer", "inner") },
  { title: "outer guard frozen", ...usual, hurt: stop("outer") },
  { title: "inner guard frozen", ...usual, hurt: stop("inner") },
  { title: "both guards frozen", ...usual, hurt: stop("outer", "inner") },
  { title: "supervisor and outer guard killed", ...usual, hurt: kill("supervisor", "outer") },
  { title: "supervisor and inner guard killed", ...usual, hurt: kill("supervisor", "inner") },
  { title: "supervisor and outer guard frozen", ...atDeadline, hurt: stop("supervisor", "outer") },
  { title: "supervisor and inner guard frozen", ...atDeadline, hurt: stop("supervisor", "inner") },
  {
    title: "outer guard frozen, supervisor killed",
    ...{ ...usual, hurt: both(stop("outer"), kill("supervisor")) },
  },
  {
    title: "inner guard frozen, supervisor killed",
    ...{ ...usual, hurt: both(stop("inner"), kill("supervisor")) },
  },
  {
    title: "supervisor frozen, outer guard killed",
    ...{ ...usual, hurt: both(stop("supervisor"), kill("outer")) },
  },
  {
    title: "supervisor frozen, inner guard killed",
    ...{ ...usual, hurt: both(stop("supervisor"), kill("inner")) },
  },
  {
    title: "supervisor and both guards killed, in a container",
    ...{ ...usual, within: container, hurt: kill("supervisor", "outer", "inner") },
  },
  {
    title: "everything frozen past the deadline, then thawed",
    ...{ ...atDeadline, from: "fault", hurt: thaw },
    obstacle: freezer ? undefined : "no freezer here",
  },
  {
    title: "supervisor and both guards frozen",
    ...{ ...atDeadline, hurt: stop("supervisor", "outer", "inner") },
  },
  {
    title: "supervisor and both guards frozen past the deadline, then thawed",
    ...{ ...atDeadline, from: "fault", hurt: thawThree },
  },
  {
    title: "supervisor and both guards killed, in no container",
    ...{ ...usual, hurt: kill("supervisor", "outer", "inner"), after: startAgain },
  },
  {
    title: "both guards killed, a program that closed its files",
    ...{ ...usual, programs: shedder, hurt: kill("outer", "inner"), after: startAgain },
  },
];

const runs = Number(process.argv[2] ?? 15);
const pattern = new RegExp(process.argv[3] ?? "");
buildGuard();
console.log("| what is hurt | counted from | runs | alive 5 s later | gone: median | at most | then |");
console.log("| --- | --- | --- | --- | --- | --- | --- |");
for (const { title, obstacle, ...plan } of faults.filter(({ title }) => pattern.test(title))) {
  if (obstacle !== undefined) {
    console.log(`| ${title} | not here: ${obstacle} |`);
    continue;
  }
  const gone: number[] = [];
  const after = new Set<string>();
  for (let run = 0; run < runs; run++) {
    const { goneMs, then } = await measureRun(plan);
    if (goneMs !== undefined) gone.push(Math.round(goneMs));
    if (then !== undefined) after.add(then);
  }
  gone.sort((a, b) => a - b);
  const figures =
    gone.length > 0 ? [`${gone[Math.floor(gone.length / 2)]} ms`, `${gone.at(-1)} ms`] : ["", ""];
  const row = [title, plan.from, runs, runs - gone.length, ...figures, [...after].join(", ")];
  console.log(`| ${row.join(" | ")} |`);
}
freezer?.[Symbol.dispose]();
