import type {
  EtcdApi,
  KeyRange,
  KeyValue,
  RangeResult,
  Transaction,
  TransactionResult,
} from "@msdha/etcd-client";
import type { Change } from "@msdha/etcd-simulated";
import { type GroupKeys, parseKey } from "@msdha/group";
import { parseDetails } from "../../../../packages/group/src/node-state.ts";
import type { Facts, FrontendFacts, GroupFacts, LockFacts, RunFacts } from "./facts.ts";
import { createGroupHistory } from "./group-history.ts";

export function createFacts(keys: GroupKeys): Facts {
  return {
    runs: new Set(),
    frontends: new Set(),
    history: createGroupHistory(keys),
    masters: [{ revision: 0, master: undefined }],
    group: {
      ...{ lock: undefined, handover: undefined, ttlSeconds: 0, freeSince: 0 },
      ...{ nodes: new Map(), held: new Set() },
    },
    restores: 0,
    byHand: false,
    lastTokens: new Map(),
  };
}

/** Brings the facts up to date with a change in etcd; returns what the group's keys said before. */
export function applyChange(
  facts: Facts,
  keys: GroupKeys,
  { revision, events }: Change,
  now: number,
): GroupFacts {
  const before = facts.group;
  facts.history.add(revision, events);
  for (const { type, kv } of events) {
    if (type === "PUT" && parseKey(keys, kv.key).kind === "details") claimLease(facts, kv);
  }
  const consumed = events.some(({ type, kv }) => type === "DELETE" && kv.key === keys.handover);
  for (const { type, kv } of events) {
    const put = type === "PUT";
    if (kv.key === keys.lock) {
      if (!put) facts.group = { ...facts.group, lock: undefined, freeSince: now };
      else if (kv.createRevision === revision) takeLock(facts, kv, before, consumed);
    } else if (kv.key === keys.handover) {
      facts.group = { ...facts.group, handover: put ? { isTrue: true, revision } : undefined };
    } else if (kv.key === keys.ttl) {
      facts.group = { ...facts.group, ttlSeconds: put ? Number(kv.value) : 0 };
    } else noteNode(facts, keys, kv, put);
  }
  noteMaster(facts, revision);
  return before;
}

function noteNode(facts: Facts, keys: GroupKeys, { key, value: state, lease }: KeyValue, put: boolean): void {
  const parsed = parseKey(keys, key);
  if (parsed.kind === "details") {
    const held = new Set(facts.group.held);
    facts.group = { ...facts.group, held };
    if (put && parseDetails(state)?.held) held.add(parsed.name);
    else held.delete(parsed.name);
  }
  if (parsed.kind !== "node") return;
  const nodes = new Map(facts.group.nodes);
  facts.group = { ...facts.group, nodes };
  if (!put) {
    nodes.delete(parsed.name);
    return;
  }
  nodes.set(parsed.name, { state, lease });
  const run = runOf(facts, lease);
  if (run && state === "master" && !facts.byHand) run.published = true;
}

/** The master is the node that the lock names and whose own key, on the same lease, says so; it may want no traffic yet. */
function noteMaster(facts: Facts, revision: number): void {
  const { lock, nodes, held } = facts.group;
  const key = lock && nodes.get(lock.node);
  const master =
    key?.state === "master" && key.lease === lock?.lease && !held.has(lock.node) ? lock.node : undefined;
  if (facts.masters.at(-1)?.master !== master) facts.masters = [...facts.masters, { revision, master }];
}

/** A frontend has been told everything up to a revision, by an answer that it asked for after so many restores. */
export function applyHeard(
  facts: Facts,
  frontend: FrontendFacts,
  { revision, restores, now }: { readonly revision: number; readonly restores: number; readonly now: number },
): void {
  // It may be of the history that was undone, and was under way for all that time.
  if (restores !== facts.restores) return;
  const { known } = frontend;
  if (known && revision <= known.revision) return;
  const master = facts.masters.findLast((each) => each.revision <= revision)?.master;
  const since = known?.master === master ? (known?.since ?? now) : now;
  frontend.known = { master, since, revision };
}

/** etcd holds this state of some time ago again. */
export function applyRestore(
  facts: Facts,
  keys: GroupKeys,
  {
    revision,
    kvs,
    now,
  }: { readonly revision: number; readonly kvs: readonly KeyValue[]; readonly now: number },
): void {
  const find = (key: string): KeyValue | undefined => kvs.find((kv) => kv.key === key);
  const lock = find(keys.lock);
  const handover = find(keys.handover);
  const run = lock && runOf(facts, lock.lease);
  facts.restores += 1;
  const { restores } = facts;
  const same = run?.lock && run.lock.token === lock?.createRevision ? { ...run.lock, restores } : undefined;
  if (run && same) run.lock = same;
  facts.group = {
    lock: lock && (same ?? unknownLock(lock, run, { restores, now })),
    handover: handover && { isTrue: stillThere(facts, handover), revision: handover.createRevision },
    ttlSeconds: Number(find(keys.ttl)?.value ?? 0),
    // Who held it until now is not forgotten with what etcd forgets.
    nodes: new Map(),
    held: new Set(),
    freeSince: facts.group.lock ? now : facts.group.freeSince,
  };
  facts.history.restore(revision, kvs);
  for (const kv of kvs) noteNode(facts, keys, kv, true);
  facts.masters = [];
  noteMaster(facts, 0);
  // What they were told so far is of another history.
  for (const frontend of facts.frontends) frontend.known = undefined;
  for (const each of facts.runs) {
    each.newest = Math.min(each.newest, revision);
    each.followed = Math.min(each.followed, revision);
  }
}

/**
 * Whether a restored snapshot misleads those who know of nothing newer, which is not promised to end well: by a
 * hand-over that had been used, or by a record that is shorter than the TTL of a former master who is still alive.
 */
export function misleads({ group, restores, runs }: Facts): boolean {
  if (group.handover?.isTrue === false) return true;
  if (restores === 0) return false;
  return [...runs].some(
    ({ published, programs, ttlMs }) => published && programs.size > 0 && ttlMs > 1_000 * group.ttlSeconds,
  );
}

/** Whether nobody has used this hand-over until now. */
function stillThere({ group: { handover } }: Facts, { createRevision }: KeyValue): boolean {
  return handover?.isTrue === true && handover.revision === createRevision;
}

function unknownLock(
  { createRevision: token, lease, value }: KeyValue,
  run: RunFacts | undefined,
  { restores, now }: { readonly restores: number; readonly now: number },
): LockFacts {
  const node = String((JSON.parse(value) as { node?: unknown }).node);
  return { token, restores, lease, run, node, waitMs: 0, freeSince: now, receivedAt: undefined };
}

/** How long nobody else has had the lock, by its holder's clock. */
export function waitedMs(
  { freeSince }: LockFacts,
  { rate, supervisor, hardware }: RunFacts,
  now: number,
): number {
  const ahead = supervisor.clock.now() - hardware.now(); // of a process that runs on after a freeze
  return (now - freeSince) * rate + ahead;
}

function claimLease(facts: Facts, { value, lease }: KeyValue): void {
  for (const run of facts.runs) {
    if (!value.includes(JSON.stringify(run.id))) continue;
    run.lease = lease;
    run.seen = run.hardware.now();
  }
}

function takeLock(facts: Facts, kv: KeyValue, before: GroupFacts, consumed: boolean): void {
  const run = runOf(facts, kv.lease);
  const seconds = Math.max(before.ttlSeconds, (run?.ttlMs ?? 0) / 1_000);
  const handed = consumed && before.handover?.isTrue === true;
  const lock: LockFacts = {
    token: kv.createRevision,
    restores: facts.restores,
    lease: kv.lease,
    run,
    node: String((JSON.parse(kv.value) as { node?: unknown }).node),
    waitMs: handed ? 0 : 2_000 * seconds,
    freeSince: Math.max(before.freeSince, run?.startedAt ?? 0),
    receivedAt: undefined,
  };
  facts.group = { ...facts.group, lock };
  if (run) run.lock = lock;
}

export function runOf(facts: Facts, lease: string): RunFacts | undefined {
  for (const run of facts.runs) {
    if (run.lease === lease) return run;
  }
  return undefined;
}

/** What a run learns from an answer to a request that it sent at `sent`, by its own clock. */
export function applyAnswer(
  keys: GroupKeys,
  run: RunFacts,
  exchange: {
    readonly call: keyof EtcdApi;
    readonly argument: unknown;
    readonly answer: unknown;
    readonly sent: number;
  },
): void {
  const { call, argument, answer, sent } = exchange;
  if (call === "txn" || call === "range")
    applyTold(run, (answer as TransactionResult | RangeResult).revision);
  if (call === "txn" && run.lock && run.lock.receivedAt === undefined && asksForLock(argument, keys)) {
    const { succeeded, revision } = answer as TransactionResult;
    if (!succeeded || revision === run.lock.token) run.lock.receivedAt = run.supervisor.clock.now();
  }
  if (call !== "range") return;
  const { key, prefix } = argument as KeyRange;
  const { kvs, revision } = answer as RangeResult;
  if (prefix && key === keys.prefix) {
    if (!run.told.begun) applyFollowed(run, revision);
    run.told.read(revision);
  }
  // Before the node key is known to be there, any read of the lock will do that comes with a keepalive.
  const probed = !run.lock && !prefix && key === keys.lock;
  const proof = key === keys.lock || (!run.published && key === keys.node(run.node));
  const held = probed || (proof && kvs.some((kv) => kv.lease === run.lease));
  // An answer that comes when the lease may be lost already brings nothing back.
  if (held && run.supervisor.clock.now() < run.seen + run.ttlMs) run.seen = Math.max(run.seen, sent);
}

/** A run's first read or its watch tells it of what happened up to a revision. */
export function applyFollowed(run: RunFacts, revision: number): void {
  run.followed = Math.max(run.followed, revision);
  applyTold(run, revision);
}

function applyTold(run: RunFacts, revision: number): void {
  run.newest = Math.max(run.newest, revision);
}

function asksForLock(argument: unknown, keys: GroupKeys): boolean {
  return (argument as Transaction).compare.some(
    ({ key, target, value }) => key === keys.lock && target === "create" && value === 0,
  );
}
