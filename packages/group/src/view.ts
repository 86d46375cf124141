import type { KeyValue, LeaseId, WatchEvent } from "@msdha/etcd-client";
import type { WatchBatch } from "@msdha/etcd-watch";
import { type Answer, parseAnswer } from "./candidacy.ts";
import { type FrontendEntry, parseFrontend } from "./frontend-entry.ts";
import { parseHandover } from "./handover-note.ts";
import { type GroupKeys, groupKeys, parseKey } from "./keys.ts";
import { type NodeDetails, parseDetails, parseLock, type Via } from "./node-state.ts";
import { parseObject } from "./parse-object.ts";

/** A group as one revision of etcd has it. Never changed in place. */
export interface GroupView {
  readonly keys: GroupKeys;
  /** 0 before the first batch. */
  readonly revision: number;
  readonly nodes: ReadonlyMap<string, NodeEntry>;
  readonly details: ReadonlyMap<string, NodeDetails>;
  /** What each node answered last in an election. */
  readonly answers: ReadonlyMap<string, AnswerEntry>;
  /** The ranks that nodes have said since a master was published last, also of those that are gone. */
  readonly announced: ReadonlyMap<string, bigint>;
  /** The frontends that say which master they have left. */
  readonly frontends: ReadonlyMap<string, FrontendEntry>;
  readonly lock: LockEntry | undefined;
  readonly election: ElectionEntry | undefined;
  /** The create revision of the hand-over, if there is one. */
  readonly handover: number | undefined;
  /** The node that the hand-over is for, if it names one. */
  readonly handoverFor: string | undefined;
  /** The master that was published last, by the group's record. */
  readonly lastMaster: string | undefined;
  readonly ttl: TtlRecord;
}

export interface NodeEntry {
  /** As it is in etcd, which is one of `nodeStates` unless a stranger wrote it. */
  readonly state: string;
  readonly lease: LeaseId;
  readonly modRevision: number;
}

export interface LockEntry {
  /** The lock's create revision. */
  readonly token: number;
  readonly lease: LeaseId;
  /** undefined if no node can have written the lock's value. */
  readonly node: string | undefined;
  readonly via: Via;
}

/** An answer counts only on the lease of the node that it is said to be from. */
export interface AnswerEntry extends Answer {
  readonly lease: LeaseId;
}

/** A round of an election: all candidates are asked. It is open while its lease is that of the lock. */
export interface ElectionEntry {
  /** The revision in which it was opened. */
  readonly round: number;
  readonly lease: LeaseId;
}

/** The longest TTL of a former master, as far as it was seen, and the revision of its record: 0 when there is none. */
export interface TtlRecord {
  readonly seconds: number;
  readonly modRevision: number;
}

/** What can be said of a group's master. */
export type Mastership =
  | {
      readonly kind: "master";
      readonly name: string;
      readonly address: string;
      readonly token: number;
      /** Frontends must not send traffic to it yet. */
      readonly held?: true;
    }
  /** The lock is held and its holder's node key is gone: a planned stop, if that token was master before. */
  | { readonly kind: "stopping"; readonly token: number }
  | { readonly kind: "none" };

/** A group of which nothing is known yet. */
export function createGroupView(group: string): GroupView {
  return {
    keys: groupKeys(group),
    revision: 0,
    nodes: new Map(),
    details: new Map(),
    answers: new Map(),
    announced: new Map(),
    frontends: new Map(),
    lock: undefined,
    election: undefined,
    handover: undefined,
    handoverFor: undefined,
    lastMaster: undefined,
    ttl: { seconds: 0, modRevision: 0 },
  };
}

/** The view after one batch of the group's watch. */
export function applyBatch(view: GroupView, batch: WatchBatch): GroupView {
  const draft = {
    ...view,
    revision: batch.revision,
    nodes: new Map(view.nodes),
    details: new Map(view.details),
    answers: new Map(view.answers),
    announced: new Map(batch.type === "changes" && batch.restored ? [] : view.announced),
    frontends: new Map(view.frontends),
  };
  const events = batch.type === "snapshot" ? batch.kvs.map(asPut) : batch.events;
  for (const event of events) applyEvent(draft, event);
  draft.ttl = rememberTtl(view.ttl, view.keys, events, batch.type === "changes" && batch.restored);
  return draft;
}

/**
 * Who is master: the node that the lock names and whose node key, on the same lease, says `master`. By node keys
 * alone there can be two while a fenced one stops, and anyone can put one.
 */
export function mastership({ lock, nodes, details }: GroupView): Mastership {
  if (!lock?.node) return { kind: "none" };
  const entry = nodes.get(lock.node);
  if (!entry) return { kind: "stopping", token: lock.token };
  if (entry.state !== "master" || entry.lease !== lock.lease) return { kind: "none" };
  const told = details.get(lock.node);
  const address = told?.address ?? lock.node;
  return { kind: "master", name: lock.node, address, token: lock.token, ...(told?.held && { held: true }) };
}

type Draft = { -readonly [Key in keyof GroupView]: GroupView[Key] } & {
  nodes: Map<string, NodeEntry>;
  details: Map<string, NodeDetails>;
  answers: Map<string, AnswerEntry>;
  announced: Map<string, bigint>;
  frontends: Map<string, FrontendEntry>;
};

function asPut(kv: KeyValue): WatchEvent {
  return { type: "PUT", kv };
}

function applyEvent(draft: Draft, { type, kv }: WatchEvent): void {
  const present = type === "PUT";
  const parsed = parseKey(draft.keys, kv.key);
  switch (parsed.kind) {
    case "node":
      if (present) {
        draft.nodes.set(parsed.name, { state: kv.value, lease: kv.lease, modRevision: kv.modRevision });
        if (kv.value === "master") draft.announced.clear();
      } else draft.nodes.delete(parsed.name);
      break;
    case "details": {
      const details = present ? parseDetails(kv.value) : undefined;
      if (details) draft.details.set(parsed.name, details);
      else draft.details.delete(parsed.name);
      break;
    }
    case "rank": {
      const answer = present ? parseAnswer(kv.value) : undefined;
      if (answer) draft.answers.set(parsed.name, { ...answer, lease: kv.lease });
      else draft.answers.delete(parsed.name);
      if (answer?.may && answer.rank !== undefined) draft.announced.set(parsed.name, answer.rank);
      break;
    }
    case "frontend": {
      const entry = present ? parseFrontend(kv.value) : undefined;
      if (entry) draft.frontends.set(parsed.name, entry);
      else draft.frontends.delete(parsed.name);
      break;
    }
    case "lock":
      draft.lock = present ? readLock(kv) : undefined;
      break;
    case "handover":
      draft.handover = present ? kv.createRevision : undefined;
      draft.handoverFor = present ? parseHandover(kv.value)?.for : undefined;
      break;
    case "election":
      draft.election = present ? { round: kv.modRevision, lease: kv.lease } : undefined;
      break;
    case "lastMaster":
      draft.lastMaster = present ? readLastMaster(kv) : undefined;
      break;
    case "ttl":
    case "proof":
    case "claim":
    case "value":
    case "unknown":
      break;
  }
}

/**
 * Returns the record after some events. Only a node that publishes `master` has outlived the former masters and may
 * lower it. A longer TTL that was seen before the record was deleted, or lost by a restore of etcd, still counts.
 */
function rememberTtl(
  before: TtlRecord,
  keys: GroupKeys,
  events: readonly WatchEvent[],
  restored: boolean,
): TtlRecord {
  let ttl = before;
  for (const { type, kv } of events) {
    if (kv.key !== keys.ttl) continue;
    const published = !restored && type === "PUT" && publishesAt(keys, events, kv.modRevision);
    ttl = published ? readTtl(kv) : longerTtl(ttl, type === "PUT" ? kv : undefined);
  }
  return ttl;
}

/** Whether a master was published in that revision. */
function publishesAt(keys: GroupKeys, events: readonly WatchEvent[], revision: number): boolean {
  return events.some(
    ({ type, kv }) =>
      type === "PUT" &&
      kv.modRevision === revision &&
      kv.value === "master" &&
      parseKey(keys, kv.key).kind === "node",
  );
}

function readLock(kv: KeyValue): LockEntry {
  const value = parseLock(kv.value);
  return { token: kv.createRevision, lease: kv.lease, node: value?.node, via: value?.via ?? "wait" };
}

function readLastMaster({ value }: KeyValue): string | undefined {
  const { node } = parseObject(value);
  return typeof node === "string" ? node : undefined;
}

/** Returns the record after a read: never a smaller TTL than before, as that may come from a restored etcd. */
export function longerTtl({ seconds }: TtlRecord, record: KeyValue | undefined): TtlRecord {
  const read = record ? readTtl(record) : { seconds: 0, modRevision: 0 };
  return { seconds: Math.max(seconds, read.seconds), modRevision: read.modRevision };
}

/** Reads the group's record of its longest TTL. A value that no node writes counts as 0 seconds. */
function readTtl(kv: KeyValue): TtlRecord {
  const seconds = Number(kv.value);
  return { seconds: Number.isFinite(seconds) && seconds > 0 ? seconds : 0, modRevision: kv.modRevision };
}
