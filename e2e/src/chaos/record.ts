import { loadavg } from "node:os";
import { setInterval } from "node:timers";
import { bootTime } from "../support/boot-time.ts";
import { type Entry, parseEntry } from "../support/journal.ts";
import { createBlame } from "./blame.ts";
import { followLines } from "./follow-file.ts";
import type { GroupHistory } from "./group-history.ts";
import { followHookCalls } from "./hook-call-runs.ts";
import { watchOverlaps } from "./overlaps.ts";
import type { Plan } from "./plan.ts";
import type { FaultFigures, Report } from "./report.ts";
import type { Beats, Recovery } from "./until-master.ts";
import type { Visitors } from "./visitors.ts";
import type { Waits } from "./waits.ts";

/** What is found out during a run. */
export interface RunRecord extends Disposable {
  /** How long it may take until there is a master, ms, the nodes' own restarts not counted. */
  readonly boundMs: number;
  readonly beats: Beats;
  /** A node is about to be started. */
  started(node: string): void;
  exited(name: string, code: number | string): void;
  /** Allows an exit code that is a problem otherwise. Returns what ends that, some time later. */
  allowExit(code: number, names: readonly string[]): () => void;
  thawed(node: string, options: { readonly late: boolean }): void;
  compacted(revision: number): void;
  /** Faults are about to begin, or have all ended. */
  hurting(now: boolean): void;
  /** After a round of faults. */
  recovered(round: number, faults: readonly string[], recovery: Recovery): void;
  /** Somebody has not come back since a time (boot-time clock, ms). */
  missing(names: readonly string[], since: number): void;
  problem(text: string): void;
  /** How many runs were told something else than what happened; those of `complete` must know the last change. */
  historyFailures(complete?: ReadonlySet<string>): number;
  /** The present run of a node. */
  runOf(node: string): string | undefined;
  report(): Report;
}

export interface RecordOptions {
  readonly seed: string;
  readonly plan: Plan;
  readonly journal: string;
  readonly history: GroupHistory;
  readonly visitors: Visitors;
  /** What the machine is to blame for. */
  readonly waits: Waits;
  readonly tell: (line: string) => void;
}

const READ_MS = 100;
/** How long a former master that was thawed as a whole may go on. */
const AFTERLIFE_LIMIT_MS = 1_000;
/** A node's exit code when its lease, lock or key was lost. */
const LOST = 75;
/** A program that was started before a fault ended may take so long to end for it. */
const LATE_EXIT_MS = 30_000;
/** A node that lost its lease two TTLs after the last fault, or later, has ended after so many. */
const CALM_TTLS = 4;
/** What no fault explains: a hook that failed, wrong settings, a crash. `unshare` ends with 1 when its child is killed. */
const UNEXPECTED = new Set<number | string>([7, 13, 70, 77, 78, 134, 139, "SIGABRT", "SIGSEGV", "SIGBUS"]);

export function createRecord({
  seed,
  plan,
  journal,
  history,
  visitors,
  waits,
  tell,
}: RecordOptions): RunRecord {
  const began = performance.now();
  const ttlMs = plan.ttlSeconds * 1000;
  const boundMs = 3 * ttlMs + 5_000;
  const blame = createBlame({ waits, ttlMs, tell });
  const overlaps = watchOverlaps();
  const told = followHookCalls(history);
  const faults = new Map<string, { count: number; longestMs: number }>();
  const exits: Record<string, number> = {};
  const recoveries: Recovery[] = [];
  const problems: string[] = [];
  const lastBeats = new Map<string, number>();
  const allowed: { readonly code: number; readonly names: readonly string[]; until: number }[] = [];
  const loads: number[] = [loadavg()[0] ?? 0];
  let hurts = false;
  let calmSince = bootTime();
  let complete: ReadonlySet<string> = new Set();

  const readJournal = followLines(journal, (line) => take(parseEntry(line)));
  function take(entry: Entry): void {
    overlaps.add(entry);
    told.add(entry);
    if (entry.what === "beat") lastBeats.set(entry.run, entry.at);
    if (entry.what === "master") {
      const [token] = entry.rest;
      history.promoted(Number(token), entry.at);
      tell(`${entry.node} is promoted (token ${token})`);
    }
  }
  function read(): void {
    readJournal();
    visitors.check();
  }
  const timer = setInterval(read, READ_MS);

  /** What does not come to an end at all is excused where something had to wait for half of the time. */
  function excuse(what: string, from: number): boolean {
    const to = bootTime();
    return blame.late(what, { from, to, overMs: (to - from) / 2 });
  }

  const record: RunRecord = {
    boundMs,
    beats: {
      promoted: () => overlaps.promotions.at(-1)?.node,
      disturbedAt: blame.disturbedAt,
      lastBeat: () => lastBeats.get(overlaps.promotions.at(-1)?.run ?? "") ?? 0,
    },
    started: told.started,
    exited(name, code) {
      const key = `${name.startsWith("f") ? "frontend" : "node"} ${code}`;
      exits[key] = (exits[key] ?? 0) + 1;
      tell(`${name} has ended (${code})`);
      if (code === LOST && !hurts && bootTime() - calmSince > CALM_TTLS * ttlMs) blame.lost(name, bootTime());
      const isAllowed = allowed.some(
        (entry) => entry.code === code && entry.names.includes(name) && bootTime() < entry.until,
      );
      if (UNEXPECTED.has(code) && !isAllowed) record.problem(`${name} ended with ${code}`);
    },
    allowExit(code, names) {
      const entry = { code, names, until: Number.POSITIVE_INFINITY };
      allowed.push(entry);
      return () => {
        entry.until = bootTime() + LATE_EXIT_MS;
      };
    },
    thawed: (node, options) => overlaps.thawed(node, bootTime(), options),
    compacted: told.compacted,
    hurting(now) {
      hurts = now;
      calmSince = bootTime();
    },
    recovered(round, done, recovery) {
      recoveries.push(recovery);
      const { master, ms, restartMs } = recovery;
      const counted = ms - restartMs;
      for (const name of done) {
        const { count = 0, longestMs = 0 } = faults.get(name) ?? {};
        faults.set(name, { count: count + 1, longestMs: Math.max(longestMs, counted) });
      }
      const took = `${Math.round(ms)} ms (restarts ${Math.round(restartMs)} ms)`;
      tell(`round ${round}: ${done.join(" + ") || "nothing"}: ${master ?? "no master"} after ${took}`);
      loads.push(loadavg()[0] ?? 0);
      if (master && counted <= boundMs) return;
      const what = `round ${round} (${done.join(" + ")}): ${master ?? "no master"} after ${took}`;
      const times = { from: bootTime() - ms, to: bootTime(), overMs: counted - boundMs };
      const excused = master ? blame.late(what, times) : excuse(what, calmSince);
      if (!excused) record.problem(what);
    },
    missing(names, since) {
      const what = `${names.join(", ")} did not come back within ${Math.round(bootTime() - since)} ms`;
      if (!excuse(what, since)) record.problem(what);
    },
    problem(text) {
      problems.push(text);
      tell(`PROBLEM ${text}`);
    },
    historyFailures(wanted = complete) {
      complete = wanted;
      read();
      return told.failures(complete).length;
    },
    runOf: told.lastRun,
    report(): Report {
      read();
      const counted = recoveries.map(({ ms, restartMs }) => Math.max(0, ms - restartMs));
      const lives = overlaps.afterlives();
      const long = lives.filter(({ ms }) => ms > AFTERLIFE_LIMIT_MS);
      return {
        ...{ seed, nodes: plan.nodes.length, ttlSeconds: plan.ttlSeconds },
        minutes: (performance.now() - began) / 60_000,
        faults: Object.fromEntries(faults) satisfies Record<string, FaultFigures>,
        faultCount: [...faults.values()].reduce((sum, { count }) => sum + count, 0),
        promotions: overlaps.promotions.length,
        hookCalls: told.calls,
        exits,
        leasesLostWithoutFault: blame.losses,
        lateForTheMachine: blame.lateness,
        load: { median: median(loads), highest: Math.max(loadavg()[0] ?? 0, ...loads) },
        recovery: {
          rounds: recoveries.length,
          medianMs: Math.round(median(counted)),
          longestMs: Math.round(Math.max(0, ...counted)),
          begunAnew: recoveries.filter(({ begunAnew }) => begunAnew).length,
          longestWithRestartMs: Math.round(Math.max(0, ...recoveries.map(({ ms }) => ms))),
          boundMs,
        },
        visits: { served: visitors.served, failed: visitors.failed },
        afterlives: { count: lives.length, longestMs: Math.max(0, ...lives.map(({ ms }) => ms)) },
        overlaps: overlaps.overlaps(),
        staleTokens: overlaps.staleTokens().length,
        historyFailures: told.failures(complete),
        strayVisits: visitors.strays,
        problems: [
          ...problems,
          ...long.map(({ node, ms }) => `${node} lived for ${ms} ms after it was thawed as a whole`),
        ],
      };
    },
    [Symbol.dispose]: () => clearInterval(timer),
  };
  return record;
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}
