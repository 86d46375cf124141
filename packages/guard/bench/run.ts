import { readlinkSync } from "node:fs";
import { join } from "node:path";
import { systemClock } from "@msdha/clock";
import { guardBinary } from "@msdha/guard";
import { tempDir, waitFor } from "@msdha/testkit";
import {
  isAlive,
  killNow,
  type Mark,
  mark,
  parentOf,
  processesWhere,
  program,
  type SupervisorPlan,
  startSupervisor,
  waitForGrowth,
} from "../test/support.ts";

/** A supervisor, its guard, and what they started, up and running. */
export interface Run {
  readonly supervisor: number;
  readonly outer: number;
  readonly inner: number;
  readonly marked: Mark;
  /** Resolves when the deadline is over, and a moment more. */
  pastDeadline(): Promise<void>;
}

export type Hurt = (run: Run) => Promise<void>;

export interface RunPlan {
  readonly programs: Programs;
  /** From when it is counted until nothing is left: from the end of `hurt`, or from the deadline, which `hurt` precedes. */
  readonly from: "fault" | "deadline";
  readonly hurt: Hurt;
  /** From when the supervisor is ready; default: a minute, which nothing here takes. */
  readonly deadlineMs?: number;
  /** The supervisor blocks its event loop by itself. */
  readonly block?: boolean;
  /** A command that runs the supervisor, and how far ahead of ours the boot-time clock there is. */
  readonly within?: readonly string[];
  readonly aheadMs?: number;
  /** Asked for when something is left. */
  readonly after?: (lockFile: string) => Promise<string>;
}

export interface RunFigures {
  /** Undefined: something was alive at the end of the watch. */
  readonly goneMs: number | undefined;
  readonly then: string | undefined;
}

interface Programs {
  readonly spawn: (file: string) => NonNullable<SupervisorPlan["spawn"]>;
  /** How many processes that makes, at least. */
  readonly count: number;
  /** One of them writes to the file as soon as it is what it is to be. */
  readonly writes: boolean;
}

/** Processes that ignore SIGTERM and have sessions of their own, and a daemon that forked twice and writes. */
export const family: Programs = {
  spawn: (file) => [
    ["sh", "-c", "trap '' TERM; for i in 1 2 3 4 5; do setsid sleep 600 & done; wait"],
    ["perl", program("daemon.pl"), "perl", program("write.pl"), file],
  ],
  count: 7,
  writes: true,
};
/** A tree of 255 processes that start one another again. */
export const bomb: Programs = {
  spawn: () => [["perl", program("bomb.pl"), "7", "30"]],
  count: 200,
  writes: false,
};
/** A program that closes every file that it inherited. */
export const shedder: Programs = {
  spawn: (file) => [["perl", program("shed.pl"), "perl", program("write.pl"), file]],
  count: 1,
  writes: true,
};

/** A process namespace of its own, whose first process is what it is in the images. */
export const container: readonly string[] = [
  ...["unshare", "--pid", "--fork", "--mount-proc", "--kill-child"],
  ...[guardBinary(), "--init"],
];

const FAR_MS = 60_000;
const PAST_MS = 500;
const WATCH_MS = 5_000;

/** Starts programs under a guard, hurts what the plan says, and looks until nothing is left, for five seconds. */
export async function measureRun(plan: RunPlan): Promise<RunFigures> {
  const { deadlineMs = FAR_MS, aheadMs = 0 } = plan;
  using marked = mark();
  await using folder = tempDir();
  const lockFile = join(folder.path, "lock");
  const file = join(folder.path, "growing");
  await using supervisor = startSupervisor(
    {
      lockFile,
      spawn: plan.programs.spawn(file),
      deadlineMs,
      ...(plan.block && { next: "block", blockMs: 60_000 }),
    },
    marked,
    { ...(plan.within && { within: plan.within }) },
  );
  const deadline = Number((await supervisor.event("ready"))["deadline"]) - aheadMs;
  await waitFor(() => marked.alive().length >= plan.programs.count, { what: "the programs", intervalMs: 2 });
  if (plan.programs.writes) await waitForGrowth(file);
  const pids = findPids(supervisor.pid);
  const pastDeadline = async (): Promise<void> => systemClock.sleep(deadline + PAST_MS - systemClock.now());
  await plan.hurt({ ...pids, marked, pastDeadline });
  // The machine was too busy for the fault to come before the deadline.
  if (plan.from === "deadline" && systemClock.now() >= deadline) return await measureRun(plan);
  const from = plan.from === "deadline" ? deadline : systemClock.now();
  const goneAt = await watch(marked, from + WATCH_MS);
  const then = goneAt === undefined ? await plan.after?.(lockFile) : undefined;
  // They hold the supervisor's output open, which disposing of it waits for the end of.
  for (const pid of [pids.outer, pids.inner, ...marked.alive()]) killNow(pid);
  return { goneMs: goneAt === undefined ? undefined : goneAt - from, then };
}

/** Resolves with when nothing with the mark was left, or with undefined once it is `until`. */
async function watch(marked: Mark, until: number): Promise<number | undefined> {
  // Looking at these is quick; what they were forked into meanwhile is looked for once they are gone.
  let known = marked.alive();
  while (systemClock.now() < until) {
    known = known.filter(isAlive);
    if (known.length === 0) {
      const at = systemClock.now();
      known = marked.alive();
      if (known.length === 0) return at;
    }
    await systemClock.sleep(1);
  }
  return undefined;
}

/** The supervisor and the guards, below the process that was started: it itself, unless that is a command around it. */
function findPids(started: number): Pick<Run, "supervisor" | "outer" | "inner"> {
  let supervisor = started;
  while (!isSupervisor(supervisor)) supervisor = childOf(supervisor);
  const outer = childOf(supervisor);
  return { supervisor, outer, inner: childOf(outer) };
}

function isSupervisor(pid: number): boolean {
  return readlinkSync(`/proc/${pid}/exe`) === process.execPath;
}

function childOf(parent: number): number {
  const [child] = processesWhere((pid) => parentOf(pid) === parent);
  if (child === undefined) throw new Error(`expected a child of process ${parent}`);
  return child;
}
