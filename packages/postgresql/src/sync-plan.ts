import type { SyncRecord } from "./quorum.ts";

/** How long a standby may be away before it is no longer counted on. */
export const LONGEST_AWAY_MS = 2_000;

/** What the master may do next about whom its commits wait for. docs/postgresql-sync.md has the order inside each. */
export type SyncStep =
  | { readonly step: "nothing" }
  | { readonly step: "count-on"; readonly standbys: readonly string[] }
  | { readonly step: "wait-for-fewer"; readonly needed: number }
  | { readonly step: "wait-for-more"; readonly needed: number }
  | { readonly step: "forget"; readonly gone: readonly string[]; readonly staying: readonly string[] }
  | { readonly step: "acknowledge-alone" }
  | { readonly step: "wait-again"; readonly needed: number; readonly standbys: readonly string[] };

export interface SyncSituation {
  readonly mode: "preferred" | "strict";
  /** How many standbys each commit is to be on, where there are as many. */
  readonly nodes: number;
  /** What the group knows; written by this master. */
  readonly record: Exclude<SyncRecord, { kind: "none" }>;
  /** The standbys that stream and have caught up, in order. */
  readonly connected: readonly string[];
  /** How long a standby of the record has been missing, in milliseconds. */
  readonly missingMs: number;
  /** With `preferred`: how long commits wait for standbys that are missing before they do with fewer. */
  readonly patienceMs: number;
}

/** Returns the step for a situation, and whether a standby of the record is missing, so that its time counts. */
export function planSync(situation: SyncSituation): SyncStep & { readonly missing: boolean } {
  const { mode, nodes, record, connected, missingMs, patienceMs } = situation;
  const possible = Math.min(nodes, connected.length);
  if (record.kind === "async") {
    if (connected.length === 0) return { step: "nothing", missing: false };
    return { step: "wait-again", needed: possible, standbys: connected, missing: false };
  }
  const joining = connected.filter((standby) => !record.standbys.includes(standby));
  const gone = record.standbys.filter((standby) => !connected.includes(standby));
  if (joining.length > 0) {
    return { step: "count-on", standbys: [...record.standbys, ...joining], missing: false };
  }
  if (connected.length < record.needed) {
    if (mode === "strict" || missingMs < patienceMs) return { step: "nothing", missing: true };
    if (connected.length === 0) return { step: "acknowledge-alone", missing: false };
    return { step: "wait-for-fewer", needed: possible, missing: false };
  }
  if (possible > record.needed) return { step: "wait-for-more", needed: possible, missing: false };
  if (gone.length === 0) return { step: "nothing", missing: false };
  if (missingMs < LONGEST_AWAY_MS) return { step: "nothing", missing: true };
  return { step: "forget", gone, staying: connected, missing: false };
}
