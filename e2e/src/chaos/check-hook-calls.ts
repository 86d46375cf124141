import type { NodeChange } from "./group-history.ts";

/** One call of `node_state_change`. */
export interface HookCall {
  readonly action: string;
  readonly node: string;
  readonly state: string;
}

export interface HookCallProblem {
  /** How many calls fit, and the first that does not. */
  readonly after: number;
  readonly call: HookCall | undefined;
  readonly expected: NodeChange | undefined;
}

export interface HookCallOptions {
  /** The group's history had come at least so far when the node was started. */
  readonly notBefore: number;
  /** Revisions up to which the history was compacted while the node ran: only there single steps may be missing. */
  readonly compactions: readonly number[];
  /** Whether the last change of the history must have been reported. Default false: calls are dropped at a stop. */
  readonly complete?: boolean;
}

/** How far a net difference may reach over a compaction, in changes. */
const LONGEST_RESYNC = 400;

/**
 * Checks the calls that one run of a node made against the group's history: first its state at some revision, then
 * every change after it, once, in order; behind a compaction the net difference to a later state may stand for the
 * changes between. Undefined: they fit.
 */
export function checkHookCalls(
  history: readonly NodeChange[],
  calls: readonly HookCall[],
  { notBefore, compactions, complete = false }: HookCallOptions,
): HookCallProblem | undefined {
  const firstChange = calls.findIndex(({ action }) => action !== "init");
  const count = firstChange < 0 ? calls.length : firstChange;
  const changes = calls.slice(count);
  // Each set holds the positions in the history that the calls so far can have led to.
  const mayBeCut = changes.length === 0 && !complete;
  const starts = startingPoints(history, calls.slice(0, count), { notBefore, mayBeCut });
  const reached: Set<number>[] = [new Set(starts)];
  let furthest = 0;
  for (let i = 0; i <= changes.length; i++) {
    for (const position of reached[i] ?? []) {
      furthest = i;
      const call = changes[i];
      const next = history[position];
      if (call && next && isSame(call, next)) add(reached, i + 1, position + 1);
      for (const [resynced, length] of resyncs(history, position, changes, i, compactions)) {
        add(reached, i + length, resynced);
      }
    }
  }
  const ends = [...(reached[changes.length] ?? [])];
  if (ends.some((position) => !complete || position === history.length)) return undefined;
  const position = Math.max(...(reached[furthest] ?? []));
  return {
    after: count + furthest,
    call: changes[furthest],
    expected: Number.isFinite(position) ? history[position] : undefined,
  };
}

function add(sets: Set<number>[], index: number, position: number): void {
  const set = sets[index] ?? new Set();
  sets[index] = set.add(position);
}

/** A set that grows while it is iterated is iterated to its end, so resyncs that tell nothing are followed too. */
function* resyncs(
  history: readonly NodeChange[],
  position: number,
  changes: readonly HookCall[],
  from: number,
  compactions: readonly number[],
): Generator<readonly [position: number, calls: number]> {
  const next = history[position];
  if (!next) return;
  const compaction = Math.min(...compactions.filter((revision) => revision >= next.revision));
  if (!Number.isFinite(compaction)) return;
  const last = Math.min(history.length, position + LONGEST_RESYNC);
  const before = stateAt(history, position);
  const after = new Map(before);
  for (let end = position; end < last; end++) {
    apply(after, history[end] as NodeChange);
    const revision = (history[end] as NodeChange).revision;
    const isWhole = history[end + 1]?.revision !== revision;
    if (!isWhole || revision < compaction) continue;
    const difference = differenceOf(before, after);
    if (difference.every((change, i) => isSame(changes[from + i], change)))
      yield [end + 1, difference.length];
  }
}

/** Deletions by name, then puts in the order of their revisions. */
function differenceOf(
  before: ReadonlyMap<string, NodeChange>,
  after: ReadonlyMap<string, NodeChange>,
): readonly HookCall[] {
  const deleted = [...before.keys()].filter((node) => !after.has(node)).sort();
  const put = [...after.values()].filter((change) => before.get(change.node) !== change);
  return [
    ...deleted.map((node) => ({ action: "DELETE", node, state: "" })),
    ...put.sort((a, b) => a.revision - b.revision || (a.node < b.node ? -1 : 1)),
  ];
}

/** A node that ends while it is calls of a state, which is done by name, is not calls the rest of it. */
function startingPoints(
  history: readonly NodeChange[],
  inits: readonly HookCall[],
  { notBefore, mayBeCut }: { readonly notBefore: number; readonly mayBeCut: boolean },
): readonly number[] {
  const wanted = new Map(inits.map(({ node, state }) => [node, state]));
  const state = new Map<string, NodeChange>();
  const points: number[] = [];
  for (let position = 0; position <= history.length; position++) {
    const last = history[position - 1];
    if (last) apply(state, last);
    const next = history[position];
    if (next && (next.revision <= notBefore || next.revision === last?.revision)) continue;
    const names = [...state.keys()].sort();
    const calls = mayBeCut ? names.slice(0, wanted.size) : names;
    const fits =
      calls.length === wanted.size && calls.every((node) => wanted.get(node) === state.get(node)?.state);
    if (fits) points.push(position);
  }
  return points;
}

function stateAt(history: readonly NodeChange[], position: number): Map<string, NodeChange> {
  const state = new Map<string, NodeChange>();
  for (const change of history.slice(0, position)) apply(state, change);
  return state;
}

function apply(state: Map<string, NodeChange>, change: NodeChange): void {
  if (change.action === "PUT") state.set(change.node, change);
  else state.delete(change.node);
}

function isSame(call: HookCall | undefined, change: HookCall): boolean {
  return call?.action === change.action && call.node === change.node && call.state === change.state;
}
