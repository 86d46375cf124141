import type { Entry } from "../support/journal.ts";
import { checkHookCalls, type HookCall, type HookCallProblem } from "./check-hook-calls.ts";
import type { GroupHistory } from "./group-history.ts";

export interface HookCallFailure extends HookCallProblem {
  readonly node: string;
  readonly run: string;
}

/** The calls of `node_state_change` in every run of every node, and whether they are what happened. */
export interface HookCallRuns {
  /** A node is about to be started: its calls begin at the present or later. */
  started(node: string): void;
  add(entry: Entry): void;
  /** The history up to a revision is about to be compacted. */
  compacted(revision: number): void;
  /** Checks every run; those of `complete` must have been called with the last change too. */
  failures(complete?: ReadonlySet<string>): readonly HookCallFailure[];
  /** The present run of a node, once its hook was called. */
  lastRun(node: string): string | undefined;
  readonly calls: number;
}

interface Run {
  readonly node: string;
  readonly made: HookCall[];
  readonly notBefore: number;
  readonly compactions: number[];
  checked: number;
}

export function followHookCalls(history: GroupHistory): HookCallRuns {
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
      const known = runs.get(run) ?? { node, made: [], notBefore, compactions: [], checked: 0 };
      runs.set(run, known);
      known.made.push({ action, node: name, state });
    },
    compacted(revision) {
      for (const run of runs.values()) run.compactions.push(revision);
    },
    failures: (complete = new Set()) =>
      [...runs].flatMap(([id, run]) => {
        const mustBeComplete = complete.has(id);
        if (!mustBeComplete && run.checked === run.made.length) return [];
        const problem = checkHookCalls(history.nodeChanges, run.made, {
          notBefore: run.notBefore,
          compactions: run.compactions,
          complete: mustBeComplete,
        });
        if (problem) return [{ node: run.node, run: id, ...problem }];
        run.checked = run.made.length;
        return [];
      }),
    lastRun: (node) => lastRuns.get(node),
    get calls() {
      return calls;
    },
  };
}
