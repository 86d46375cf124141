import { comparePositions, type Position } from "./position.ts";

/**
 * The group's record of which nodes have the acknowledged commits. `sync`: each commit is on `master` and on at least one
 * of the `standbys`. `async`: there may be commits that only `master` has. `none`: there is no record yet.
 */
export type SyncRecord =
  | { readonly kind: "none" }
  | {
      readonly kind: "sync" | "async";
      /** The fencing token of the master that wrote it. */
      readonly token: string;
      readonly master: string;
      readonly standbys: readonly string[];
    };

/** Returns the record in a line `sync TOKEN MASTER [STANDBY ...]`. Throws a `TypeError` for anything else. */
export function parseRecord(line: string | undefined): SyncRecord {
  if (line === undefined) return { kind: "none" };
  const [kind, token, master, ...standbys] = line.trim().split(/ +/);
  if ((kind !== "sync" && kind !== "async") || !token || !master) {
    throw new TypeError(`expected "sync TOKEN MASTER STANDBY…" or "async TOKEN MASTER", got ${line}`);
  }
  return { kind, token, master, standbys };
}

/** Returns the line of a record. */
export function formatRecord({
  kind,
  token,
  master,
  standbys,
}: Exclude<SyncRecord, { kind: "none" }>): string {
  return [kind, token, master, ...standbys].join(" ");
}

/** What a node knows of itself when it is asked for its candidacy. */
export interface OwnPart {
  readonly member: string;
  /** The mark in its data, `MASTER TOKEN`: these are the data of that master. */
  readonly mark: string | undefined;
  /** Its data came from an archive and have not streamed since. */
  readonly fromArchive: boolean;
}

/** Returns the standbys whose position has to be known before a node may be promoted, or why it may not. */
export function whomToHear(
  record: SyncRecord,
  { member, mark, fromArchive }: OwnPart,
): { readonly others: readonly string[] } | { readonly refusal: string } {
  if (record.kind !== "sync") return { others: [] };
  const { master, token, standbys } = record;
  if (fromArchive) return { refusal: "the data are from an archive, which may lack what was acknowledged" };
  if (master === member && mark === `${master} ${token}`) return { others: [] };
  if (!standbys.includes(member)) {
    return { refusal: `was not in sync with ${master} (in sync: ${standbys.join(" ") || "nobody"})` };
  }
  return { others: standbys.filter((standby) => standby !== member) };
}

/** Returns the standbys that have exactly as much as this node, or why this node may not be promoted. */
export function compareWithHeard(
  own: Pick<Position, "timeline" | "bytes">,
  heard: ReadonlyMap<string, Pick<Position, "timeline" | "bytes">>,
): { readonly asFar: readonly string[] } | { readonly refusal: string } {
  const asFar: string[] = [];
  for (const [standby, position] of heard) {
    const compared = comparePositions(own, position);
    if (compared < 0) return { refusal: `${standby} has received more` };
    if (compared === 0) asFar.push(standby);
  }
  return { asFar };
}

/** Returns the value of `synchronous_standby_names`; an empty list becomes a name that no node can have. */
export function standbyNames(kind: "sync" | "async", standbys: readonly string[]): string {
  if (kind === "async") return "";
  const names = standbys.length > 0 ? standbys : ["msdha nobody"];
  return `ANY 1 (${names.map((name) => `"${name}"`).join(", ")})`;
}
