import type { Entry } from "../support/journal.ts";
import { checkTold, type Told, type ToldProblem } from "./check-told.ts";
import type { GroupHistory } from "./group-history.ts";

export interface ToldFailure extends ToldProblem {
  readonly node: string;
  readonly run: string;
}

/** What every run of every node was told by `node_state_change`, and whether it is what happened. */
export interface ToldRuns {
  /** A node is about to be started: what it is told begins at the present or later. */
  started(node: string): void;
  add(entry: Entry): void;
  /** The history up to a revision is about to be compacted. */
  compacted(revision: number): void;
  /** Checks every run; those of `complete` must have been told the last change too. */
  failures(complete?: ReadonlySet<string>): readonly ToldFailure[];
  /** The present run of a node, once it was told anything. */
  lastRun(node: string): string | undefined;
  readonly calls: number;
}

interface Run {
  readonly node: string;
  readonly told: Told[];
  readonly notBefore: number;
  readonly compactions: number[];
  checked: number;
}

export function followTold(history: GroupHistory): ToldRuns {
  const runs = new Map<string, Run>();
  const lastRuns = new Map<string, string>();
  const startedAt = new Map<string, number>();
  let calls = 0;

  return {
    started(node) {
      startedAt.set(node, history.revision);
      lastRuns.delete(node);
    },
    add({ what, node, run, rest: [action = "", name = "", state = ""] }) {
      if (what !== "change") return;
      calls += 1;
      lastRuns.set(node, run);
      const notBefore = startedAt.get(node) ?? 0;
      const known = runs.get(run) ?? { node, told: [], notBefore, compactions: [], checked: 0 };
      runs.set(run, known);
      known.told.push({ action, node: name, state });
    },
    compacted(revision) {
      for (const run of runs.values()) run.compactions.push(revision);
    },
    failures: (complete = new Set()) =>
      [...runs].flatMap(([id, run]) => {
        const mustBeComplete = complete.has(id);
        if (!mustBeComplete && run.checked === run.told.length) return [];
        const problem = checkTold(history.nodeChanges, run.told, {
          notBefore: run.notBefore,
          compactions: run.compactions,
          complete: mustBeComplete,
        });
        if (problem) return [{ node: run.node, run: id, ...problem }];
        run.checked = run.told.length;
        return [];
      }),
    lastRun: (node) => lastRuns.get(node),
    get calls() {
      return calls;
    },
  };
}
