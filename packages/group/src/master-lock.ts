import type { Clock } from "@msdha/clock";
import type { EtcdApi, KeyValue, LeaseId, Operation, Transaction } from "@msdha/etcd-client";
import type { Lease } from "@msdha/etcd-lease";
import { rangeAnswer } from "./answers.ts";
import { LockLostError } from "./errors.ts";
import type { GroupKeys } from "./keys.ts";
import type { Membership } from "./membership.ts";
import { parseLock, type Via } from "./node-state.ts";
import { untilLost } from "./until-lost.ts";
import { readTtl, type TtlRecord } from "./view.ts";

/** How many TTLs lie between a former master's last proof and the next one: more than the 1.75 after which it is gone. */
const WAIT_TTLS = 2;

/** The master lock, as its holder knows it. */
export interface MasterLock {
  /** The lock's create revision: the fencing token. It is larger than every former one. */
  readonly token: number;
  /** The lease that it is on: the holder's. */
  readonly lease: LeaseId;
  readonly via: Via;
  /** When the answer was received that gave us the lock. */
  readonly waitFrom: number;
  /** How long to wait before `master` may be published (see `awaitTurn`): 0 after a clean hand-over. */
  readonly waitMs: number;
}

/** What a node knows of the group when it tries to take the lock. Old knowledge costs a round trip, nothing else. */
export interface Known {
  readonly ttl: TtlRecord;
  /** The newest revision that was told; a transaction at an older one means that etcd was restored. */
  readonly revision: number;
  /** The create revision of a hand-over that a restored snapshot brought back: it must not be believed. */
  readonly staleHandover: number | undefined;
}

export interface LockOptions {
  readonly membership: Membership;
  readonly ttlSeconds: number;
  readonly clock: Clock;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Tries once to take the lock; undefined when somebody else holds it.
 *
 * Who takes it has to wait for twice the larger of its own TTL and the group's record. Who consumed a clean hand-over
 * need not wait. A lock that is already on our lease (an answer was lost) is adopted, and the wait counts from the
 * adoption.
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
    const attempt = takeTransaction(keys, { name, lease, ttl, longest, staleHandover: known.staleHandover });
    const result = await untilLost(lease, { clock, signal }, (timeoutMs) =>
      etcd.txn(attempt, { timeoutMs, signal }),
    );
    const received = clock.now();
    if (result.succeeded) {
      const [inner] = result.results;
      const restored = result.revision <= known.revision;
      const handed = inner?.type === "txn" && inner.succeeded && !restored;
      return asHeld({ token: result.revision, lease: lease.id }, handed, received, longest);
    }
    const [lock] = rangeAnswer(result, 0);
    const [record] = rangeAnswer(result, 1);
    ttl = record ? readTtl(record) : { seconds: ttl.seconds, modRevision: 0 };
    if (!lock) continue;
    if (lock.lease !== lease.id) return undefined;
    return asHeld(
      { token: lock.createRevision, lease: lease.id },
      wasHandedOver(lock, known),
      received,
      Math.max(ttlSeconds, ttl.seconds),
    );
  }
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
  },
): Transaction {
  const { name, lease, ttl, longest, staleHandover } = attempt;
  const take = (via: Via): readonly Operation[] => [
    { type: "put", key: keys.lock, value: JSON.stringify({ node: name, via }), lease: lease.id },
    { type: "put", key: keys.ttl, value: String(longest) },
  ];
  return {
    compare: [
      { key: keys.lock, target: "create", is: "=", value: 0 },
      { key: keys.ttl, target: "mod", is: "=", value: ttl.modRevision },
    ],
    success: [
      {
        type: "txn",
        compare: [{ key: keys.handover, target: "create", is: ">", value: staleHandover ?? 0 }],
        success: [...take("handover"), { type: "delete", key: keys.handover }],
        // One that is there all the same is stale, which somebody who comes later could not know.
        failure: [...take("wait"), { type: "delete", key: keys.handover }],
      },
    ],
    failure: [
      { type: "range", key: keys.lock },
      { type: "range", key: keys.ttl },
    ],
  };
}

/**
 * Publishes `master` in the node key and sets the group's TTL to one's own, if lock and node key are ours; the
 * caller has waited for its turn. Rejects with a `LockLostError` when they are not, with the lease's reason
 * when it is lost first, or with the reason of `signal`.
 */
export async function publishMaster(
  etcd: EtcdApi,
  keys: GroupKeys,
  { token }: MasterLock,
  { membership, ttlSeconds, clock, signal }: LockOptions,
): Promise<void> {
  const { lease, name } = membership;
  const node = keys.node(name);
  const publication: Transaction = {
    compare: [
      { key: keys.lock, target: "create", is: "=", value: token },
      { key: node, target: "mod", is: "=", value: membership.modRevision },
    ],
    success: [
      { type: "put", key: node, value: "master", lease: lease.id },
      { type: "put", key: keys.ttl, value: String(ttlSeconds) },
    ],
    failure: [
      { type: "range", key: keys.lock },
      { type: "range", key: node },
    ],
  };
  const result = await untilLost(lease, { clock, signal }, (timeoutMs) =>
    etcd.txn(publication, { timeoutMs, signal }),
  );
  if (result.succeeded) {
    membership.entered("master", result.revision);
    return;
  }
  const [lock] = rangeAnswer(result, 0);
  const [present] = rangeAnswer(result, 1);
  const published = present?.value === "master" && present.lease === lease.id;
  if (lock?.createRevision !== token || !published) throw new LockLostError(token);
  membership.entered("master", present.modRevision);
}

/**
 * Gives the lock back, if it is ours. With `handover` it leaves a clean hand-over to whoever takes the lock next,
 * which need not wait then: only for a node that had finished its own wait (or consumed a hand-over), and of which
 * nothing is alive any more. Resolves with whether the lock was ours (without a
 * hand-over, an answer that was lost reads as if it had not been). Rejects when etcd does not answer before the
 * lease is lost; the hand-over may have gone through even so, and is true even so.
 */
export async function giveBackLock(
  etcd: EtcdApi,
  keys: GroupKeys,
  { token }: MasterLock,
  { membership, clock, handover }: LockOptions & { readonly handover: HandoverLease | undefined },
): Promise<boolean> {
  const left: readonly Operation[] = handover
    ? [
        {
          type: "put",
          key: keys.handover,
          value: JSON.stringify({ node: membership.name, token }),
          lease: handover.id,
        },
      ]
    : [];
  const result = await untilLost(membership.lease, { clock }, (timeoutMs) =>
    etcd.txn(
      {
        compare: [{ key: keys.lock, target: "create", is: "=", value: token }],
        success: [{ type: "delete", key: keys.lock }, ...left],
        failure: [{ type: "range", key: keys.handover }],
      },
      { timeoutMs },
    ),
  );
  if (result.succeeded) return true;
  const [handed] = rangeAnswer(result, 0);
  return handover !== undefined && handed?.lease === handover.id;
}

/** The lease of a hand-over that is still to be written. */
export interface HandoverLease {
  readonly id: string;
}

/** How long a hand-over stays true for the next master to find. */
const HANDOVER_SECONDS = 60;

/** Grants the lease for a hand-over, ahead of the moment in which it is needed. */
export async function prepareHandover(
  etcd: EtcdApi,
  { membership, clock }: Pick<LockOptions, "membership" | "clock">,
): Promise<HandoverLease> {
  return await untilLost(membership.lease, { clock }, (timeoutMs) =>
    etcd.leaseGrant(HANDOVER_SECONDS, { timeoutMs }),
  );
}
