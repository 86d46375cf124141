import {
  type EtcdApi,
  type KeyValue,
  type Operation,
  rangeAnswer,
  type Transaction,
} from "@msdha/etcd-client";
import { type Lease, timing } from "@msdha/etcd-lease";
import {
  consumedHandover,
  type HandoverKnowledge,
  staleRevision,
  wasHandedOver,
} from "./believed-handover.ts";
import type { HeldLock, HolderOptions } from "./held-lock.ts";
import type { LockKeys } from "./lock-keys.ts";
import type { LockValue } from "./lock-value.ts";
import { retryWhileLeased } from "./retry-while-leased.ts";
import { longerTtl, type TtlRecord } from "./ttl-record.ts";

/** What a node knows of the lock when it tries to take it. Old knowledge costs a round trip, nothing else. */
export interface LockKnowledge extends HandoverKnowledge {
  readonly ttl: TtlRecord;
  /** Called when the answer names another holder of the lock. */
  readonly onOtherHolder?: () => void;
}

export interface TakeOptions extends HolderOptions {
  /** Who takes it: written into the lock. */
  readonly name: string;
  readonly ttlSeconds: number;
  /** Keys that forbid the take while they exist. */
  readonly unless?: readonly string[];
  /** Carried out with a take over a hand-over. */
  readonly withHandover?: readonly Operation[];
  /** Keys that are read when the lock was found on our own lease, as the answer of an earlier try was lost. */
  readonly readOnAdoption?: readonly string[];
}

/** A lock that was taken. */
export interface TakenLock extends HeldLock {
  /** The hand-over that was consumed, unless the lock was adopted. */
  readonly consumed: KeyValue | undefined;
  /** What was read with the adoption of a lock that was already on our lease; undefined: it was not adopted. */
  readonly adopted: readonly KeyValue[] | undefined;
}

/**
 * Tries once to take the lock. Resolves with undefined if another node holds it, or if a key of `unless` exists.
 *
 * `waitMs` of the lock is twice the larger of the node's own TTL and the record, or 0 after a clean hand-over. A lock that
 * is already on our lease (an answer was lost) is adopted, and the wait counts from the adoption.
 */
export async function takeLock(
  etcd: EtcdApi,
  keys: LockKeys,
  known: LockKnowledge,
  options: TakeOptions,
): Promise<TakenLock | undefined> {
  const { lease, ttlSeconds, clock, unless = [], readOnAdoption = [] } = options;
  let { ttl } = known;
  for (;;) {
    const longest = Math.max(ttlSeconds, ttl.seconds);
    const attempt = takeTransaction(keys, { ...known, ttl }, longest, options);
    const result = await retryWhileLeased(lease, options, (call) => etcd.txn(attempt, call));
    const received = clock.now();
    if (result.succeeded) {
      const consumed = consumedHandover(result, known);
      const taken = { token: result.revision, lease: lease.id };
      return { ...asHeld(taken, consumed !== undefined, received, longest), consumed, adopted: undefined };
    }
    const [lock] = rangeAnswer(result, 0);
    const [record] = rangeAnswer(result, 1);
    ttl = longerTtl(ttl, record);
    if (!lock && unless.some((_, index) => rangeAnswer(result, 2 + index).length > 0)) return undefined;
    if (!lock) continue;
    if (lock.lease !== lease.id) {
      known.onOtherHolder?.();
      return undefined;
    }
    const { createRevision: token } = lock;
    const handed = wasHandedOver(lock, known);
    const held = asHeld({ token, lease: lease.id }, handed, received, Math.max(ttlSeconds, ttl.seconds));
    const adopted = readOnAdoption.flatMap((_, index) => rangeAnswer(result, 2 + unless.length + index));
    return { ...held, consumed: undefined, adopted };
  }
}

function asHeld(
  taken: Pick<HeldLock, "token" | "lease">,
  handed: boolean,
  received: number,
  longestTtl: number,
): HeldLock {
  return {
    ...taken,
    takenAfter: handed ? "handover" : "wait",
    waitFrom: received,
    waitMs: handed ? 0 : timing.settleTtls * longestTtl * 1000,
  };
}

function takeTransaction(
  keys: LockKeys,
  known: LockKnowledge,
  longest: number,
  { name, lease, unless = [], withHandover = [], readOnAdoption = [] }: TakeOptions,
): Transaction {
  const { modRevision: record } = known.ttl;
  return {
    compare: [
      { key: keys.lock, target: "create", is: "=", value: 0 },
      { key: keys.ttl, target: "mod", is: "=", value: record },
      ...unless.map((key) => ({ key, target: "create", is: "=", value: 0 }) as const),
    ],
    success: [
      {
        type: "txn",
        compare: [{ key: keys.handover, target: "create", is: ">", value: staleRevision(known) }],
        success: [
          { type: "range", key: keys.handover },
          ...put(keys, { node: name, takenAfter: "handover", record }, lease, longest),
          { type: "delete", key: keys.handover },
          ...withHandover,
        ],
        // Any hand-over left is stale, which a later node could not know: delete it.
        failure: [
          ...put(keys, { node: name, takenAfter: "wait", record }, lease, longest),
          { type: "delete", key: keys.handover },
        ],
      },
    ],
    failure: [keys.lock, keys.ttl, ...unless, ...readOnAdoption].map((key) => ({ type: "range", key })),
  };
}

function put(keys: LockKeys, value: LockValue, lease: Lease, longest: number): readonly Operation[] {
  return [
    { type: "put", key: keys.lock, value: JSON.stringify(value), lease: lease.id },
    { type: "put", key: keys.ttl, value: String(longest) },
  ];
}
