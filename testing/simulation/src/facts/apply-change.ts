import type { KeyValue } from "@msdha/etcd-client";
import type { Change } from "@msdha/etcd-simulated";
import { type GroupKeys, parseDetails, parseKey } from "@msdha/group";
import type { Facts, GroupFacts, LockFacts, RunFacts } from "./facts.ts";
import { noteOperator } from "./note-operator.ts";

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
    if (facts.copyMarks.size > 0) noteMark(facts, keys, kv, put);
    if (kv.key === keys.lock) {
      if (!put) facts.group = { ...facts.group, lock: undefined, freeSince: now };
      else if (kv.createRevision === revision) takeLock(facts, kv, before, { consumed, now });
    } else if (kv.key === keys.handover) {
      facts.group = {
        ...facts.group,
        handover: put ? { isTrue: true, revision, for: forWhom(kv) } : undefined,
      };
    } else if (kv.key === keys.ttl) {
      facts.group = { ...facts.group, ttlSeconds: put ? Number(kv.value) : 0 };
    } else noteNode(facts, keys, kv, { put, now });
  }
  noteMaster(facts, revision, now);
  return before;
}

/** Who wrote the last proof on a lease: the run itself, or a copy of it. */
export function noteMark(
  { copyMarks, copyWrote }: Facts,
  keys: GroupKeys,
  { key, value }: KeyValue,
  put: boolean,
): void {
  if (parseKey(keys, key).kind !== "proof") return;
  if (!put) copyWrote.delete(key);
  else if (copyMarks.has(value)) copyWrote.set(key, "last");
  else if (copyWrote.has(key)) copyWrote.set(key, "before");
}

export function noteNode(
  facts: Facts,
  keys: GroupKeys,
  kv: KeyValue,
  { put, now }: { readonly put: boolean; readonly now: number },
): void {
  noteOperator(facts, keys, kv, put);
  const { key, value: state, lease, modRevision: revision } = kv;
  const parsed = parseKey(keys, key);
  if (parsed.kind === "details") noteDetails(facts, parsed.name, put ? parseDetails(state) : undefined);
  if (parsed.kind === "rank" && put) {
    const run = runOf(facts, lease);
    if (run?.said) run.answers = [...run.answers, { ...run.said, at: now, revision }];
  }
  if (parsed.kind !== "node") return;
  const nodes = new Map(facts.group.nodes);
  facts.group = { ...facts.group, nodes };
  if (!put) {
    nodes.delete(parsed.name);
    return;
  }
  nodes.set(parsed.name, { state, lease, since: now, revision });
  const run = runOf(facts, lease);
  if (run && state === "master" && !facts.byHand) run.published = true;
}

function noteDetails(facts: Facts, name: string, details: ReturnType<typeof parseDetails>): void {
  const held = new Set(facts.group.held);
  const limits = new Map(facts.group.limits);
  facts.group = { ...facts.group, held, limits };
  if (details?.held) held.add(name);
  else held.delete(name);
  if (details?.candidateTimeoutMs === undefined) limits.delete(name);
  else limits.set(name, details.candidateTimeoutMs);
}

/** The node that a hand-over names. */
export function forWhom({ value }: KeyValue): string | undefined {
  return (JSON.parse(value) as { for?: string }).for;
}

/**
 * The master is the node that the lock names and whose own key, on the same lease, says so; it may want no traffic yet. It
 * is no former one any more from then on: a session that comes too early is no session to a former master.
 */
export function noteMaster(facts: Facts, revision: number, now: number): void {
  const { lock, nodes, held } = facts.group;
  const key = lock && nodes.get(lock.node);
  const holder = key?.state === "master" && key.lease === lock?.lease ? lock : undefined;
  if (holder && !holder.published) {
    holder.published = true;
    facts.ceased.delete(holder.node);
  }
  const master = holder && !held.has(holder.node) ? holder.node : undefined;
  const former = facts.masters.at(-1)?.master;
  if (former === master && facts.masters.length > 0) return;
  if (former !== undefined) facts.ceased.set(former, now);
  if (master !== undefined) facts.ceased.delete(master);
  facts.masters = [...facts.masters, { revision, master }];
}

function claimLease(facts: Facts, { value, lease }: KeyValue): void {
  for (const run of facts.runs) {
    if (!value.includes(JSON.stringify(run.id))) continue;
    run.lease = lease;
    run.seen = run.hardware.now();
    run.seenByClock = run.clock.now();
    run.lostMsAtSeen = run.machine.lostMs;
  }
}

function takeLock(
  facts: Facts,
  kv: KeyValue,
  before: GroupFacts,
  { consumed, now }: { readonly consumed: boolean; readonly now: number },
): void {
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
    takenAt: now,
    chosen: handed && before.handover?.for !== undefined && before.handover.for === run?.node,
    freeSince: Math.max(before.freeSince, run?.startedAt ?? 0),
    receivedAt: undefined,
    decisions: 0,
    published: false,
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

/** How long nobody else has had the lock, by its holder's clock. */
export function waitedMs(
  { freeSince }: LockFacts,
  { rate, supervisor, hardware }: RunFacts,
  now: number,
): number {
  const ahead = supervisor.clock.now() - hardware.now(); // of a process that runs on after a freeze
  return (now - freeSince) * rate + ahead;
}
