/** One call of a `node_state_change` hook. */
export interface StateChange {
  readonly action: string;
  readonly node: string;
  readonly state: string;
}

/** Somebody who is told the history, call by call. */
export interface HistoryReader {
  /** A whole read of the group was answered: a place from which a snapshot or a difference may lead on. */
  read(revision: number): void;
  /** Takes the next call; false when no telling of the history has it here. */
  take(change: StateChange): boolean;
  /** It misses an event: from now on it is enough that what it is told comes to the truth in the end. */
  missed(): void;
  /** Whether it misses an event. */
  readonly missing: boolean;
  /** Whether a first read was answered. */
  readonly begun: boolean;
  /** Whether what was told comes to what etcd holds now. */
  readonly upToDate: boolean;
}

export interface Step extends StateChange {
  readonly revision: number;
}

/** The node keys at one revision: the state of each, and the revision of its last put. */
export type States = ReadonlyMap<string, { readonly state: string; readonly revision: number }>;

/** The history that readers are told. */
export interface ToldHistory {
  readonly steps: readonly Step[];
  /** At how many steps etcd was restored, or compacted. */
  readonly cuts: readonly number[];
  readonly restores: number;
  /** How many steps there are up to a revision of the present numbering. */
  indexAt(revision: number): number;
  /** The state after so many steps. */
  stateAt(index: number): States;
}

interface Place {
  /** How many steps of the history were told. */
  readonly index: number;
  /** What is still to come of a difference or of the first states before the history goes on. */
  readonly pending: readonly StateChange[];
}

/** Returns a reader that begins with its first read. */
export function createHistoryReader(history: ToldHistory): HistoryReader {
  const { steps, indexAt, stateAt } = history;
  let begun = false;
  let missing = false;
  let places: Place[] = [];
  let jumps: number[] = [];
  let current: ReadonlyMap<string, string> = new Map();

  return {
    read(revision) {
      const index = indexAt(revision);
      if (!begun) {
        begun = true;
        const pending = firstStates(stateAt(index));
        places = [{ index, pending }];
        return;
      }
      if (!jumps.includes(index)) jumps = [...jumps.slice(-20), index];
    },
    take(change) {
      const told = new Map(current);
      if (change.action === "DELETE") told.delete(change.node);
      else told.set(change.node, change.state);
      current = told;
      // After a restore it is enough that what was told comes to the truth in the end.
      if (history.restores > 0 || missing) return true;
      places = distinct(places.flatMap((place) => follow(place, change, history, jumps)));
      return places.length > 0;
    },
    missed() {
      missing = true;
    },
    get missing() {
      return missing;
    },
    get begun() {
      return begun;
    },
    get upToDate() {
      const now = [...stateAt(steps.length)];
      return now.length === current.size && now.every(([node, { state }]) => current.get(node) === state);
    },
  };
}

/** The places that a call leads to from one; none if the history has no such call there. */
function follow(
  place: Place,
  change: StateChange,
  { steps, cuts, restores, stateAt }: ToldHistory,
  jumps: readonly number[],
): readonly Place[] {
  const [next, ...rest] = place.pending;
  if (next) return same(next, change) ? [{ index: place.index, pending: rest }] : [];
  const found: Place[] = [];
  const step = steps[place.index];
  if (step && same(step, change)) found.push({ index: place.index + 1, pending: [] });
  for (const to of jumps) {
    const reason = cuts.some((cut) => cut >= place.index && cut <= to) || restores > 0;
    if (to <= place.index || !reason) continue;
    const [first, ...others] = netDifference(stateAt(place.index), stateAt(to));
    if (first && same(first, change)) found.push({ index: to, pending: others });
    // What was left out came to nothing: the history goes on after it.
    const after = steps[to];
    if (!first && after && same(after, change)) found.push({ index: to + 1, pending: [] });
  }
  return found;
}

function firstStates(states: States): readonly StateChange[] {
  const names = [...states.keys()].sort();
  return names.map((node) => ({ action: "init", node, state: states.get(node)?.state ?? "" }));
}

/** As the watch tells it: what is gone by name, then what was put by the revision of its last put. */
function netDifference(before: States, after: States): readonly StateChange[] {
  const gone = [...before.keys()].filter((node) => !after.has(node)).sort();
  const put = [...after].filter(([node, { revision }]) => before.get(node)?.revision !== revision);
  put.sort(([, a], [, b]) => a.revision - b.revision);
  return [
    ...gone.map((node) => ({ action: "DELETE", node, state: "" })),
    ...put.map(([node, { state }]) => ({ action: "PUT", node, state })),
  ];
}

function same(a: StateChange, b: StateChange): boolean {
  return a.action === b.action && a.node === b.node && a.state === b.state;
}

function distinct(places: readonly Place[]): Place[] {
  const seen = new Map<string, Place>();
  for (const place of places) seen.set(`${place.index}/${place.pending.length}`, place);
  return [...seen.values()];
}
