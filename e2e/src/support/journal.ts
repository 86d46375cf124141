import { readFileSync } from "node:fs";

/** One line that a main process or a hook wrote: what, of which node, which run of it, who, and when (boot-time clock, ms). */
export interface Entry {
  readonly what: string;
  readonly node: string;
  readonly run: string;
  readonly pid: number;
  readonly at: number;
  /** What follows the time: a fencing token, or what a `node_state_change` was called with. */
  readonly rest: readonly string[];
}

export interface Overlap {
  readonly promoted: Entry;
  readonly alive: Entry;
}

/** The journal that all nodes of a test write to. */
export interface Journal {
  readonly path: string;
  entries(): readonly Entry[];
  of(node: string, what: string): readonly Entry[];
  /** The hooks `master` that began while anything of a node promoted before was alive. */
  overlaps(): readonly Overlap[];
}

export function openJournal(path: string): Journal {
  const entries = (): readonly Entry[] =>
    readFileSync(path, "utf8")
      .split("\n")
      .filter((line) => line !== "")
      .map(parseEntry);
  return {
    path,
    entries,
    of: (node, what) => entries().filter((entry) => entry.node === node && entry.what === what),
    overlaps: () => findOverlaps(entries()),
  };
}

export function parseEntry(line: string): Entry {
  const [what = "", node = "", run = "", pid = "", time = "", ...rest] = line.split(" ");
  return { what, node, run, pid: Number(pid), at: Number(time), rest };
}

function findOverlaps(entries: readonly Entry[]): readonly Overlap[] {
  const promotions = entries.filter(({ what }) => what === "master");
  return promotions.flatMap((promoted) => {
    const former = new Set(
      promotions.filter(({ at, run }) => at <= promoted.at && run !== promoted.run).map(({ run }) => run),
    );
    const alive = entries.findLast(({ run, at }) => former.has(run) && at > promoted.at);
    return alive ? [{ promoted, alive }] : [];
  });
}
