import { type KeyValue, rangeAnswer, type TransactionResult } from "@msdha/etcd-client";
import { type HandoverHistory, staleHandover, unknownHandovers, wasUsed } from "./handover-history.ts";
import { parseLock } from "./lock-value.ts";

/** What a node knows when it has to decide whether to believe a hand-over. */
export interface HandoverKnowledge {
  /** The newest revision that the watch has shown; an answer at an older one means that etcd was restored. */
  readonly revision: number;
  /** The newest revision of any answer; an answer at an older one means the same. Default: 0. */
  readonly newestAnswer?: number;
  /** The revision that etcd was last seen to be restored to, by an answer. Default: 0. */
  readonly restoredTo?: number;
  /** What the watch had shown of hand-overs before the lock was tried. Default: nothing. */
  readonly handovers?: HandoverHistory;
}

/** The largest create revision of a hand-over that must not be believed. */
export function staleRevision({
  revision,
  restoredTo = 0,
  handovers = unknownHandovers,
}: HandoverKnowledge): number {
  return Math.max(staleHandover(handovers, revision), restoredTo);
}

/** The hand-over that a take has consumed, if it is believed. */
export function consumedHandover(
  { results: [inner], revision }: TransactionResult,
  { revision: shown, newestAnswer = 0, handovers = unknownHandovers }: HandoverKnowledge,
): KeyValue | undefined {
  const restored = revision <= Math.max(shown, newestAnswer);
  if (restored || inner?.type !== "txn" || !inner.succeeded) return undefined;
  return rangeAnswer(inner, 0).find((found) => !wasUsed(handovers, found));
}

/**
 * Whether a lock that was found on our own lease was taken over a hand-over that is believed. As the answer to the take was
 * lost, nobody knows which one was consumed: it must be one that the watch had shown.
 */
export function wasHandedOver(lock: KeyValue, known: HandoverKnowledge): boolean {
  const shown = known.handovers?.present?.createRevision ?? 0;
  const taken = parseLock(lock.value)?.takenAfter === "handover" && lock.createRevision > known.revision;
  return taken && shown > staleRevision(known);
}
