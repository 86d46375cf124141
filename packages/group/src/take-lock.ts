import type {
  EtcdApi,
  KeyValue,
  Operation,
  OperationResult,
  Transaction,
  TransactionResult,
} from "@msdha/etcd-client";
import type { Lease } from "@msdha/etcd-lease";
import { rangeAnswer } from "./answers.ts";
import { type HandoverNote, parseHandover } from "./handover-note.ts";
import type { GroupKeys } from "./keys.ts";
import type { LockOptions, MasterLock } from "./master-lock.ts";
import { type LockValue, parseLock, type Via } from "./node-state.ts";
import { longerTtl, type TtlRecord } from "./ttl-record.ts";
import { untilLost } from "./until-lost.ts";

/** How many TTLs lie between a former master's last proof and the next one: more than the 1.75 after which it is gone. */
const WAIT_TTLS = 2;

/** What a node knows of the group when it tries to take the lock. Old knowledge costs a round trip, nothing else. */
export interface Known {
  readonly ttl: TtlRecord;
  /** The newest revision that the watch has shown; an answer at an older one means that etcd was restored. */
  readonly revision: number;
  /** The newest revision of any answer; an answer at an older one means the same. */
  readonly heard?: number;
  /** The largest create revision of a hand-over that must not be believed, since a restored snapshot brought it back. */
  readonly staleHandover: number | undefined;
  /** The hand-over that the watch shows. If the answer that it was consumed is lost, it is taken for the consumed one. */
  readonly handover?: HandoverNote | undefined;
  /** Called when the answer names another holder of the lock. */
  readonly onOtherHolder?: () => void;
  /** Whether candidates are to be asked: after a hand-over that happens in the same transaction. */
  readonly asksCandidates?: boolean;
}

/**
 * Tries once to take the lock. Resolves with undefined if another node holds it, and if an operator's pause of the group or
 * hold of this node forbids it: the transaction compares that there is none.
 *
 * `waitMs` of the lock is twice the larger of the node's own TTL and the group's record, or 0 after a clean hand-over.
 * A lock that is already on our lease (an answer was lost) is adopted, with the round that was opened with it, and the
 * wait counts from the adoption.
 */
export async function takeLock(
  etcd: EtcdApi,
  keys: GroupKeys,
  known: Known,
  { membership, ttlSeconds, clock, signal }: LockOptions,
): Promise<MasterLock | undefined> {
  const { lease, name } = membership;
  let ttl = known.ttl;
  for (;;) {
    const longest = Math.max(ttlSeconds, ttl.seconds);
    const attempt = takeTransaction(keys, {
      name,
      lease,
      ttl,
      longest,
      staleHandover: known.staleHandover,
      asksCandidates: known.asksCandidates === true,
    });
    const result = await untilLost(lease, { clock, signal }, (call) => etcd.txn(attempt, call));
    const received = clock.now();
    if (result.succeeded) {
      const [inner] = result.results;
      const restored = result.revision <= Math.max(known.revision, known.heard ?? 0);
      const handed = inner?.type === "txn" && inner.succeeded && !restored;
      const lock = asHeld({ token: result.revision, lease: lease.id }, handed, received, longest);
      if (!handed) return lock;
      const round = known.asksCandidates ? result.revision : undefined;
      return { ...lock, round, handover: consumedHandover(inner.results[0]) };
    }
    const [lock] = rangeAnswer(result, 0);
    const [record] = rangeAnswer(result, 1);
    ttl = longerTtl(ttl, record);
    const forbidden = [...rangeAnswer(result, 2), ...rangeAnswer(result, 3)].length > 0;
    if (!lock && forbidden) return undefined;
    if (!lock) continue;
    if (lock.lease !== lease.id) {
      known.onOtherHolder?.();
      return undefined;
    }
    return adopt(lock, known, received, { longest: Math.max(ttlSeconds, ttl.seconds), found: result });
  }
}

/** The lock is on our own lease: an earlier try went through. */
function adopt(
  lock: KeyValue,
  known: Known,
  received: number,
  { longest, found }: { readonly longest: number; readonly found: TransactionResult },
): MasterLock {
  const { createRevision: token, lease } = lock;
  const handed = wasHandedOver(lock, known);
  const held = asHeld({ token, lease }, handed, received, longest);
  if (!handed) return held;
  const [election] = rangeAnswer(found, 4);
  const opened = election?.lease === lease && election.modRevision === token;
  return { ...held, round: opened ? token : undefined, handover: known.handover };
}

function asHeld(
  taken: Pick<MasterLock, "token" | "lease">,
  handed: boolean,
  received: number,
  longestTtl: number,
): MasterLock {
  return {
    ...taken,
    via: handed ? "handover" : "wait",
    waitFrom: received,
    waitMs: handed ? 0 : WAIT_TTLS * longestTtl * 1000,
  };
}

function consumedHandover(found: OperationResult | undefined): HandoverNote | undefined {
  const [kv] = found?.type === "range" ? found.kvs : [];
  return kv && parseHandover(kv.value);
}

function wasHandedOver(lock: KeyValue, known: Known): boolean {
  return parseLock(lock.value)?.via === "handover" && lock.createRevision > known.revision;
}

function takeTransaction(
  keys: GroupKeys,
  attempt: {
    readonly name: string;
    readonly lease: Lease;
    readonly ttl: TtlRecord;
    readonly longest: number;
    readonly staleHandover: number | undefined;
    readonly asksCandidates: boolean;
  },
): Transaction {
  const { name, lease, ttl, longest, staleHandover, asksCandidates } = attempt;
  const take = (via: Via): readonly Operation[] => {
    const value: LockValue = { node: name, via, record: ttl.modRevision };
    return [
      { type: "put", key: keys.lock, value: JSON.stringify(value), lease: lease.id },
      { type: "put", key: keys.ttl, value: String(longest) },
    ];
  };
  const election: Operation = { type: "put", key: keys.election, value: name, lease: lease.id };
  return {
    compare: [
      { key: keys.lock, target: "create", is: "=", value: 0 },
      { key: keys.ttl, target: "mod", is: "=", value: ttl.modRevision },
      { key: keys.ask("pause"), target: "create", is: "=", value: 0 },
      { key: keys.ask("hold", name), target: "create", is: "=", value: 0 },
    ],
    success: [
      {
        type: "txn",
        compare: [{ key: keys.handover, target: "create", is: ">", value: staleHandover ?? 0 }],
        success: [
          { type: "range", key: keys.handover },
          ...take("handover"),
          { type: "delete", key: keys.handover },
          ...(asksCandidates ? [election] : []),
        ],
        // Any hand-over left is stale, which a later node could not know: delete it.
        failure: [...take("wait"), { type: "delete", key: keys.handover }],
      },
    ],
    failure: [
      { type: "range", key: keys.lock },
      { type: "range", key: keys.ttl },
      { type: "range", key: keys.ask("pause") },
      { type: "range", key: keys.ask("hold", name) },
      { type: "range", key: keys.election },
    ],
  };
}
