import type {
  EtcdApi,
  KeyRange,
  RangeResult,
  Transaction,
  TransactionResult,
  WatchEvent,
} from "@msdha/etcd-client";
import { type GroupKeys, parseKey } from "@msdha/group";
import type { Facts, RunFacts } from "./facts.ts";

/** From what a run is told to what it does by that. */
const ON_THE_WAY_MS = 50;

/** What a run learns from an answer to a request. */
export function applyAnswer(
  keys: GroupKeys,
  run: RunFacts,
  exchange: {
    readonly call: keyof EtcdApi;
    readonly argument: unknown;
    readonly answer: unknown;
    /** When it sent the request, by its machine's clock. */
    readonly sent: number;
    /** The same as the supervisor has it. */
    readonly sentByClock: number;
    /** For how long its machine had stood still by then. */
    readonly lostMs: number;
    /** Whether it is older than etcd was when it was asked for: nothing that is linearizable. */
    readonly old: boolean;
  },
): void {
  const { call, argument, answer, sent, sentByClock, lostMs, old } = exchange;
  if (old) run.readOld = true;
  if (call === "txn" || call === "range")
    applyTold(run, (answer as TransactionResult | RangeResult).revision);
  if (call === "txn" && run.lock && run.lock.receivedAt === undefined && asksForLock(argument, keys)) {
    const { succeeded, revision } = answer as TransactionResult;
    if (!succeeded || revision === run.lock.token) {
      run.lock.receivedAt = run.supervisor.clock.now();
      // A candidate whose reads were old for long may have its lease all the same: a majority has just put its lock on it.
      if (run.readOld) {
        run.seen = Math.max(run.seen, sent);
        run.seenByClock = Math.max(run.seenByClock, sentByClock);
        run.lostMsAtSeen = lostMs;
      }
    }
  }
  const proven = (): void => {
    // An answer that comes when the lease may be lost already brings nothing back.
    if (run.clock.now() >= run.seenByClock + run.ttlMs || sent <= run.seen) return;
    run.seen = sent;
    run.seenByClock = sentByClock;
    run.lostMsAtSeen = lostMs;
  };
  if (call === "txn" && provesByWriting(keys, run, argument as Transaction, answer as TransactionResult))
    proven();
  if (call !== "range") return;
  const { key, prefix } = argument as KeyRange;
  const { kvs, revision } = answer as RangeResult;
  if (prefix && key === keys.prefix) {
    if (!run.told.begun) applyFollowed(run, revision);
    run.told.read(revision);
    run.readTo = Math.max(run.readTo, revision);
  }
  // Before the node key is known to be there, any read of the lock will do that comes with a keepalive.
  const probed = !run.lock && !prefix && key === keys.lock;
  const proof = key === keys.lock || (!run.published && key === keys.node(run.node));
  const held = !old && (probed || (proof && kvs.some((kv) => kv.lease === run.lease)));
  if (held) proven();
}

/** Whether a majority has written what the holder of the lock writes, or has found the lock to be the run's. */
function provesByWriting(
  keys: GroupKeys,
  run: RunFacts,
  transaction: Transaction,
  { succeeded, results }: TransactionResult,
): boolean {
  if (!isProof(transaction, keys)) return false;
  const [lock] = results;
  if (succeeded) return true;
  return lock?.type === "range" && lock.kvs.some((kv) => kv.lease === run.lease) && !isCopied(run, results);
}

/** A run has its answer to a transaction: it may tell it of a copy of its machine. One that comes too late is none. */
export function applyProof(
  keys: GroupKeys,
  run: RunFacts,
  transaction: Transaction,
  { succeeded, results }: TransactionResult,
): void {
  if (succeeded || !isProof(transaction, keys) || !isCopied(run, results)) return;
  if (run.clock.now() < run.seenByClock + run.ttlMs) run.copiedAt ??= run.machine.now;
}

/** Whether the last proof on its lease is one that it has not sent. */
function isCopied({ lease, marks }: RunFacts, results: TransactionResult["results"]): boolean {
  const found = results.map((result) => (result.type === "range" ? result.kvs[0] : undefined));
  const mark = found.at(-1);
  return marks.size > 0 && found[0]?.lease === lease && mark !== undefined && !marks.has(mark.value);
}

/** Whether this transaction is a proof of the lock. */
export function isProof({ success }: Transaction, keys: GroupKeys): boolean {
  return success.some((each) => each.type === "put" && parseKey(keys, each.key).kind === "proof");
}

/** A run's watch tells it of events. */
export function applyEvents(
  keys: GroupKeys,
  facts: Facts,
  run: RunFacts,
  events: readonly WatchEvent[],
): void {
  applyFollowed(run, events.at(-1)?.kv.modRevision ?? 0);
  const { lock } = run;
  // One that gave an earlier lock back, before it was published, may still take another one.
  if (!run.published || !lock || lock.restores !== facts.restores) return;
  const overtakes = events.some(
    ({ type, kv }) =>
      type === "PUT" && kv.key === keys.lock && kv.lease !== lock.lease && kv.createRevision > lock.token,
  );
  if (overtakes) run.overtakenAt ??= run.machine.now;
}

/** A run's first read or its watch tells it of what happened up to a revision. */
export function applyFollowed(run: RunFacts, revision: number): void {
  if (revision > run.followed) {
    const { now } = run.machine;
    const old = run.follows.findLastIndex(({ at }) => at <= now - ON_THE_WAY_MS);
    run.follows = [...run.follows.slice(Math.max(old, 0)), { revision, at: now }];
    run.followed = revision;
  }
  applyTold(run, revision);
}

/** Up to which revision it has known all for a moment, so that what it does by now is done by that. */
export function followedBefore({ follows, machine }: RunFacts): number {
  return follows.findLast(({ at }) => at <= machine.now - ON_THE_WAY_MS)?.revision ?? 0;
}

function applyTold(run: RunFacts, revision: number): void {
  run.newest = Math.max(run.newest, revision);
}

function asksForLock(argument: unknown, keys: GroupKeys): boolean {
  return (argument as Transaction).compare.some(
    ({ key, target, value }) => key === keys.lock && target === "create" && value === 0,
  );
}
