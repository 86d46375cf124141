import type { Entry } from "../support/journal.ts";

/** Something of a formerly promoted run was alive after another run's `master` hook had begun. */
export interface Overlap {
  readonly former: string;
  readonly next: string;
  /** When the next one's hook began, and when the former one was last seen alive (boot-time clock, ms). */
  readonly promotedAt: number;
  readonly aliveAt: number;
}

/** A former master that was frozen as a whole while the next one was promoted, and how long it lived after its thaw. */
export interface Afterlife {
  readonly node: string;
  readonly ms: number;
}

/** Watches a journal for masters that overlap and for fencing tokens that do not grow. */
export interface OverlapWatch {
  add(entry: Entry): void;
  /**
   * Every process of the node was frozen until now: what is alive of it from now on counts as its afterlife if another
   * run was promoted meanwhile. `late`: it was frozen for longer than its kill time is away at most, so that it may also
   * be replaced in the moment in which it goes on.
   */
  thawed(node: string, at: number, options?: { readonly late?: boolean }): void;
  readonly promotions: readonly Entry[];
  overlaps(): readonly Overlap[];
  afterlives(): readonly Afterlife[];
  /** Promotions whose token is not larger than that of every promotion before. */
  staleTokens(): readonly Entry[];
}

/** The run's own clock is read to 10 ms, and so is the time at which a hook came to be. */
const CLOCK_MS = 20;
/** For how long a run that is late may go on after its thaw, if it is replaced in that time. */
const LATE_MS = 1_000;

interface Thaw {
  readonly at: number;
  readonly late: boolean;
}

interface Run {
  readonly node: string;
  promotedAt: number;
  /** When another run was promoted first after this one was, and which. */
  replacedAt: number;
  replacedBy: string;
  lastAlive: number;
  /** The last sign of life that can't be put down to a thaw. */
  lastAliveUnexcused: number;
}

export function watchOverlaps(): OverlapWatch {
  const runs = new Map<string, Run>();
  const thaws = new Map<string, Thaw[]>();
  const promotions: Entry[] = [];

  function runOf({ node, run }: Entry): Run {
    const known = runs.get(run);
    if (known) return known;
    const never = {
      promotedAt: Number.POSITIVE_INFINITY,
      replacedAt: Number.POSITIVE_INFINITY,
      replacedBy: "",
    };
    const created = { node, ...never, lastAlive: 0, lastAliveUnexcused: 0 };
    runs.set(run, created);
    return created;
  }

  function promote(entry: Entry): void {
    const promoted = runOf(entry);
    promoted.promotedAt = Math.min(promoted.promotedAt, entry.at);
    // Lines of different processes come in almost, not quite, in the order of their times.
    for (const other of promotions) {
      replace(other, entry);
      replace(entry, other);
    }
    promotions.push(entry);
  }

  function replace(former: Entry, next: Entry): void {
    const run = runOf(former);
    if (former.run === next.run || next.at < former.at || next.at >= run.replacedAt) return;
    run.replacedAt = next.at;
    run.replacedBy = next.node;
  }

  function isAfterThaw(run: Run, at: number): boolean {
    return (thaws.get(run.node) ?? []).some(
      (thaw) =>
        at >= thaw.at - CLOCK_MS &&
        (thaw.at >= run.replacedAt - CLOCK_MS || (thaw.late && at <= thaw.at + LATE_MS)),
    );
  }

  return {
    add(entry) {
      if (entry.what === "master") promote(entry);
      const run = runOf(entry);
      run.lastAlive = Math.max(run.lastAlive, entry.at);
      if (!isAfterThaw(run, entry.at)) run.lastAliveUnexcused = Math.max(run.lastAliveUnexcused, entry.at);
    },
    thawed(node, at, { late = false } = {}) {
      thaws.set(node, [...(thaws.get(node) ?? []), { at, late }]);
    },
    promotions,
    overlaps: () => [...runs.values()].flatMap(overlapOf),
    afterlives: () => [...runs.values()].flatMap((run) => afterlifeOf(run, thaws.get(run.node) ?? [])),
    staleTokens: () => staleTokens(promotions),
  };
}

function overlapOf({ node, replacedAt, replacedBy, lastAliveUnexcused }: Run): readonly Overlap[] {
  if (lastAliveUnexcused <= replacedAt) return [];
  return [{ former: node, next: replacedBy, promotedAt: replacedAt, aliveAt: lastAliveUnexcused }];
}

function afterlifeOf({ node, replacedAt, lastAlive }: Run, thaws: readonly Thaw[]): readonly Afterlife[] {
  const after = thaws.filter(({ at }) => at >= replacedAt - CLOCK_MS);
  const thaw = Math.min(...after.map(({ at }) => at));
  return lastAlive >= thaw ? [{ node, ms: lastAlive - thaw }] : [];
}

function staleTokens(promotions: readonly Entry[]): readonly Entry[] {
  let largest = 0;
  return promotions
    .toSorted((a, b) => a.at - b.at)
    .filter((entry) => {
      const token = Number(entry.rest[0]);
      const stale = !(token > largest);
      largest = Math.max(largest, token || 0);
      return stale;
    });
}
