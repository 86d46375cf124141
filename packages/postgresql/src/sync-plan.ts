import type { SyncRecord } from "./quorum.ts";

/** How long a standby may be away before it is no longer counted on. */
export const LONGEST_AWAY_MS = 2_000;

/** What the master may do next about whom its commits wait for. docs/postgresql-sync.md has the order inside each. */
export type SyncStep =
  | { readonly step: "nothing" }
  | { readonly step: "count-on"; readonly standbys: readonly string[] }
  | { readonly step: "forget"; readonly gone: readonly string[]; readonly staying: readonly string[] }
  | { readonly step: "acknowledge-alone" }
  | { readonly step: "wait-again"; readonly standbys: readonly string[] };

export interface SyncSituation {
  readonly mode: "preferred" | "strict";
  /** What the group knows; written by this master. */
  readonly record: Exclude<SyncRecord, { kind: "none" }>;
  /** The standbys that stream and have caught up, in order. */
  readonly connected: readonly string[];
  /** How long a standby of the record has been missing, in milliseconds. */
  readonly missingMs: number;
  /** With `preferred`: how long commits wait without a standby before they are acknowledged without one. */
  readonly patienceMs: number;
}

/** Returns the step for a situation, and whether a standby of the record is missing, so that its time counts. */
export function planSync(situation: SyncSituation): SyncStep & { readonly missing: boolean } {
  const { mode, record, connected, missingMs, patienceMs } = situation;
  if (record.kind === "async") {
    if (connected.length === 0) return { step: "nothing", missing: false };
    return { step: "wait-again", standbys: connected, missing: false };
  }
  const joining = connected.filter((standby) => !record.standbys.includes(standby));
  const gone = record.standbys.filter((standby) => !connected.includes(standby));
  if (joining.length > 0) {
    return { step: "count-on", standbys: [...record.standbys, ...joining], missing: false };
  }
  if (connected.length === 0) {
    if (mode === "strict" || missingMs < patienceMs) return { step: "nothing", missing: true };
    return { step: "acknowledge-alone", missing: false };
  }
  if (gone.length === 0) return { step: "nothing", missing: false };
  if (missingMs < LONGEST_AWAY_MS) return { step: "nothing", missing: true };
  return { step: "forget", gone, staying: connected, missing: false };
}
