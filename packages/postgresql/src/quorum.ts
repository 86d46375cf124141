import { comparePositions, type Position } from "./position.ts";

/**
 * The group's record of which nodes have the acknowledged commits. `sync`: each commit is on `master` and on at least
 * `needed` of the `standbys`. `async`: there may be commits that only `master` has. `none`: there is no record yet.
 */
export type SyncRecord =
  | { readonly kind: "none" }
  | {
      readonly kind: "sync" | "async";
      /** 0 with `async`. */
      readonly needed: number;
      /** The fencing token of the master that wrote it. */
      readonly token: string;
      readonly master: string;
      readonly standbys: readonly string[];
    };

/**
 * Returns the record in a line `sync TOKEN MASTER [STANDBY ...]`, or `sync:2 …` where each commit is on two standbys. Throws a
 * `TypeError` for anything else: a version that knows no numbers promotes nobody under a record that has one.
 */
export function parseRecord(line: string | undefined): SyncRecord {
  if (line === undefined) return { kind: "none" };
  const [word = "", token, master, ...standbys] = line.trim().split(/ +/);
  const needed = word === "async" ? 0 : word === "sync" ? 1 : Number(/^sync:([2-9])$/.exec(word)?.[1]);
  if (Number.isNaN(needed) || !token || !master) {
    throw new TypeError(`expected "sync TOKEN MASTER STANDBY…" or "async TOKEN MASTER", got ${line}`);
  }
  return { kind: needed === 0 ? "async" : "sync", needed, token, master, standbys };
}

/** Returns the line of a record. */
export function formatRecord({
  kind,
  needed,
  token,
  master,
  standbys,
}: Exclude<SyncRecord, { kind: "none" }>): string {
  return [needed > 1 ? `${kind}:${needed}` : kind, token, master, ...standbys].join(" ");
}

/** What a node knows of itself when it is asked for its candidacy. */
export interface OwnPart {
  readonly member: string;
  /** The mark in its data, `MASTER TOKEN`: these are the data of that master. */
  readonly mark: string | undefined;
  /** Its data came from an archive and have not streamed since. */
  readonly fromArchive: boolean;
}

/** Of these standbys, so many positions have to be known before a node may be promoted. */
export interface NeededPositions {
  readonly others: readonly string[];
  readonly enough: number;
}

/**
 * Returns whose positions a node has to know before it may be promoted, or why it may not be. With those nodes it is one more
 * than can lack a commit: one of them has each.
 */
export function neededPositions(
  record: SyncRecord,
  { member, mark, fromArchive }: OwnPart,
): NeededPositions | { readonly refusal: string } {
  if (record.kind !== "sync") return { others: [], enough: 0 };
  const { master, needed, token, standbys } = record;
  if (fromArchive) return { refusal: "the data are from an archive, which may lack what was acknowledged" };
  const isOfMaster = mark === `${master} ${token}`;
  // With too few standbys that master has acknowledged nothing, and what was acknowledged before the mark is in these data.
  if (isOfMaster && (master === member || standbys.length < needed)) return { others: [], enough: 0 };
  if (!standbys.includes(member)) {
    if (isOfMaster) {
      return {
        refusal:
          `has the data of ${master} under another name, and an older copy of them may lack commits: ` +
          `start one of ${standbys.join(" ")}, or give this node the name ${master} again`,
      };
    }
    return { refusal: `was not in sync with ${master} (in sync: ${standbys.join(" ") || "nobody"})` };
  }
  const enough = Math.max(standbys.length - needed, 0);
  return { others: standbys.filter((standby) => standby !== member), enough };
}

/** Returns the standbys that have exactly as much as this node, or why this node may not be promoted. */
export function compareWithOthers(
  own: Pick<Position, "timeline" | "bytes">,
  others: ReadonlyMap<string, Pick<Position, "timeline" | "bytes">>,
): { readonly asFar: readonly string[] } | { readonly refusal: string } {
  const asFar: string[] = [];
  for (const [standby, position] of others) {
    const compared = comparePositions(own, position);
    if (compared < 0) return { refusal: `${standby} has received more` };
    if (compared === 0) asFar.push(standby);
  }
  return { asFar };
}

/**
 * Returns how many standbys the commits of a new master wait for, which begins with these. With `preferred` they do not wait for
 * more than there are.
 */
export function firstNeeded(
  mode: "preferred" | "strict",
  nodes: number,
  standbys: readonly string[],
): number {
  return mode === "strict" ? nodes : Math.max(Math.min(nodes, standbys.length), 1);
}

/**
 * Returns the value of `synchronous_standby_names` with which commits wait for so many of these standbys; an empty list becomes a
 * name that no node can have.
 */
export function standbyNames(needed: number, standbys: readonly string[]): string {
  if (needed === 0) return "";
  const names = standbys.length > 0 ? standbys : ["msdha nobody"];
  return `ANY ${needed} (${names.map((name) => `"${name}"`).join(", ")})`;
}

/** Returns whom commits wait for, for the log: `one of: b c`. */
export function describeWaitedFor(needed: number, standbys: readonly string[]): string {
  return `${needed === 1 ? "one" : needed} of: ${standbys.join(" ") || "nobody is there"}`;
}
