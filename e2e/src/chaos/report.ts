import type { ServedVisit } from "./check-visits.ts";
import type { HookCallFailure } from "./hook-call-runs.ts";
import type { Overlap } from "./overlaps.ts";

export interface FaultFigures {
  readonly count: number;
  /** The longest time until there was a master again, of the rounds with this fault, ms; restarts of nodes not counted. */
  readonly longestMs: number;
}

/** What a run has found. */
export interface Report {
  readonly seed: string;
  readonly minutes: number;
  readonly ttlSeconds: number;
  readonly nodes: number;
  readonly faults: Readonly<Record<string, FaultFigures>>;
  readonly faultCount: number;
  readonly promotions: number;
  readonly hookCalls: number;
  /** Exit codes and signals that nodes and frontends ended with, and how often. */
  readonly exits: Readonly<Record<string, number>>;
  /**
   * How often a node ended for a lease that it lost two TTLs or more after the last fault had ended: while something was measured to
   * have waited for a processor or the disk, or without that.
   */
  readonly leasesLostWithoutFault: { readonly forTheMachine: number; readonly unexplained: number };
  /** What took longer than its bound, but no more so than something was measured to have waited for the machine. */
  readonly lateForTheMachine: readonly string[];
  /** The machine's load average, looked at when it begins, after each round and at the end. */
  readonly load: { readonly median: number; readonly highest: number };
  readonly recovery: {
    readonly rounds: number;
    readonly medianMs: number;
    readonly longestMs: number;
    /** The same with the nodes' own restarts. */
    readonly longestWithRestartMs: number;
    /** Rounds in which the count began anew, for a lease that the machine cost a node. */
    readonly begunAnew: number;
    readonly boundMs: number;
  };
  readonly visits: { readonly served: number; readonly failed: number };
  /** Former masters that were frozen as a whole and went on for a moment after the thaw. */
  readonly afterlives: { readonly count: number; readonly longestMs: number };
  readonly overlaps: readonly Overlap[];
  readonly staleTokens: number;
  readonly historyFailures: readonly HookCallFailure[];
  readonly strayVisits: readonly ServedVisit[];
  /** Everything else that must not be, in words. */
  readonly problems: readonly string[];
}

export function isClean(report: Report): boolean {
  const { overlaps, staleTokens, historyFailures, strayVisits, problems } = report;
  return (
    [overlaps, historyFailures, strayVisits, problems].every(({ length }) => length === 0) &&
    staleTokens === 0
  );
}

/** The last line, which stands for all that was checked. */
function summarize(report: Report): string {
  const others = report.staleTokens + report.problems.length;
  return [
    `${report.faultCount} faults`,
    `${report.overlaps.length} overlaps`,
    `${report.historyFailures.length} runs with a gap or a repeat`,
    `${report.strayVisits.length} strays`,
    `${others} other problems`,
  ].join(", ");
}

export function describeReport(report: Report): string {
  const { recovery, visits, afterlives, exits, leasesLostWithoutFault: lost } = report;
  const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;
  const width = Math.max(...Object.keys(report.faults).map(({ length }) => length), 5);
  return [
    `${report.faultCount} faults in ${report.minutes.toFixed(1)} minutes (seed ${report.seed}, ${report.nodes} nodes, TTL ${report.ttlSeconds} s)`,
    "",
    `${"fault".padEnd(width)}  times  longest without a master`,
    ...Object.entries(report.faults)
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(
        ([name, { count, longestMs }]) =>
          `${name.padEnd(width)}  ${String(count).padStart(5)}  ${seconds(longestMs)}`,
      ),
    "",
    `promotions: ${report.promotions}, overlaps: ${report.overlaps.length}, tokens that did not grow: ${report.staleTokens}`,
    `calls of node_state_change: ${report.hookCalls}, runs with a gap or a repeat: ${report.historyFailures.length}`,
    `a master again after the last fault: median ${seconds(recovery.medianMs)}, longest ${seconds(recovery.longestMs)} (bound ${seconds(recovery.boundMs)}), with restarts of nodes ${seconds(recovery.longestWithRestartMs)}; counted anew for the machine: ${recovery.begunAnew} times`,
    `visits: ${visits.served} served, ${visits.failed} failed, ${report.strayVisits.length} by somebody who was not the master`,
    `former masters thawed as a whole: ${afterlives.count}, alive for ${afterlives.longestMs} ms at most`,
    `leases lost without a fault: ${lost.forTheMachine} while the machine let processes wait, ${lost.unexplained} others`,
    `the machine's load: median ${report.load.median.toFixed(1)}, highest ${report.load.highest.toFixed(1)}`,
    `ends: ${Object.entries(exits)
      .map(([code, count]) => `${code} × ${count}`)
      .join(", ")}`,
    ...report.overlaps.map((overlap) => `OVERLAP ${JSON.stringify(overlap)}`),
    ...report.historyFailures.map((failure) => `HISTORY ${JSON.stringify(failure)}`),
    ...report.strayVisits.slice(0, 5).map((visit) => `STRAY ${JSON.stringify(visit)}`),
    ...report.lateForTheMachine.map((text) => `LATE for the machine: ${text}`),
    ...report.problems.map((problem) => `PROBLEM ${problem}`),
    summarize(report),
    "",
  ].join("\n");
}
