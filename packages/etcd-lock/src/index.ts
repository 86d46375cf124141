export { acquireLock, type LockOptions, tryLock } from "./acquire-lock.ts";
export type { HandoverKnowledge } from "./believed-handover.ts";
export { campaign, observe } from "./campaign.ts";
export { confirmLock } from "./confirm-lock.ts";
export { LockLostError } from "./errors.ts";
export type { Holder } from "./follow-lock.ts";
export { type GiveBackOptions, giveBackLock } from "./give-back-lock.ts";
export {
  followHandovers,
  type HandoverHistory,
  staleHandover,
  unknownHandovers,
  wasUsed,
} from "./handover-history.ts";
export { type HandoverLease, prepareHandover } from "./handover-lease.ts";
export type { HeldLock, HolderOptions } from "./held-lock.ts";
export type { Lock } from "./lock.ts";
export { doubtFreeLock, followLock, type LockHistory, unknownLockHistory } from "./lock-history.ts";
export type { LockKeys } from "./lock-keys.ts";
export { type LockValue, parseLock, type TakenAfter } from "./lock-value.ts";
export { type ObservedRevisions, observeRevisions } from "./observe-revisions.ts";
export { retryWhileLeased } from "./retry-while-leased.ts";
export { openSession, type Session, type SessionOptions } from "./session.ts";
export { type LockFollower, settle } from "./settle.ts";
export { type LockKnowledge, type TakenLock, type TakeOptions, takeLock } from "./take-lock.ts";
export { longerTtl, readTtl, type TtlRecord, unknownTtl } from "./ttl-record.ts";
export { createWaiters, type Waiters } from "./waiters.ts";
export { withLock } from "./with-lock.ts";
