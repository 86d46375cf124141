import type { KeyValue, WatchEvent } from "@msdha/etcd-client";
import type { WatchBatch } from "@msdha/etcd-watch";
import type { LockKeys } from "./lock-keys.ts";

/**
 * What a watch has shown of hand-overs. One that was there, went, and is there again came back with a restored snapshot of
 * etcd: it was used before.
 */
export interface HandoverHistory {
  /** The hand-over that is there. */
  readonly present: KeyValue | undefined;
  /** Those that were there before, by `nameOf`. */
  readonly gone: ReadonlySet<string>;
  /** The create revision of the one that came back; 0 if none did. */
  readonly cameBack: number;
}

/** Nothing was shown yet. */
export const unknownHandovers: HandoverHistory = { present: undefined, gone: new Set(), cameBack: 0 };

/** There is one hand-over for each planned change of the holder: so many are remembered. */
const MOST_REMEMBERED = 1_000;

/** Returns the history after one more batch. */
export function followHandovers(
  history: HandoverHistory,
  keys: LockKeys,
  batch: WatchBatch,
): HandoverHistory {
  const isOurs = ({ kv }: WatchEvent): boolean => kv.key === keys.handover;
  if (batch.type === "snapshot") {
    const found = batch.kvs.find(({ key }) => key === keys.handover);
    return found ? show(history, found) : remove(history);
  }
  const { present, gone, cameBack } = batch.events
    .filter(isOurs)
    .reduce((known, { type, kv }) => (type === "PUT" ? show(known, kv) : remove(known)), history);
  // Revisions from before a restore mean nothing after it, and what is there then was in the snapshot.
  return { present, gone, cameBack: batch.restored ? (present?.createRevision ?? 0) : cameBack };
}

/**
 * Returns the largest create revision of a hand-over that must not be believed, by what the watch had shown up to
 * `revision`: an older one came back with a restored snapshot, or the watch would have shown it.
 */
export function staleHandover({ present, cameBack }: HandoverHistory, revision: number): number {
  return Math.max(present ? present.createRevision - 1 : revision, cameBack);
}

/** Whether a hand-over is one that the watch has shown to be gone: it was used before. */
export function wasUsed({ gone }: HandoverHistory, handover: KeyValue): boolean {
  return gone.has(nameOf(handover));
}

function show(history: HandoverHistory, found: KeyValue): HandoverHistory {
  const { present } = history;
  if (present && nameOf(present) === nameOf(found)) return history;
  const { gone, cameBack } = remove(history);
  return { present: found, gone, cameBack: gone.has(nameOf(found)) ? found.createRevision : cameBack };
}

function remove({ present, gone, cameBack }: HandoverHistory): HandoverHistory {
  if (!present) return { present, gone, cameBack };
  const all = [...gone, nameOf(present)];
  return { present: undefined, gone: new Set(all.slice(-MOST_REMEMBERED)), cameBack };
}

/** The text holds the token of the lock that was given back, so that another history seldom has the same. */
function nameOf({ createRevision, value }: KeyValue): string {
  return `${createRevision} ${value}`;
}
