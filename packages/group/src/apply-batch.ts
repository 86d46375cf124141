import type { KeyValue, WatchEvent } from "@msdha/etcd-client";
import { parseLock } from "@msdha/etcd-lock";
import type { WatchBatch } from "@msdha/etcd-watch";
import { askName, parseAsk } from "./ask.ts";
import { parseAnswer } from "./candidacy.ts";
import { type FrontendEntry, parseFrontend } from "./frontend-entry.ts";
import { parseHandover } from "./handover-note.ts";
import { parseKey } from "./keys.ts";
import { type NodeDetails, parseDetails } from "./node-state.ts";
import { parseObject } from "./parse-object.ts";
import { parseReport } from "./report.ts";
import { isTime, parseTerm } from "./term.ts";
import { rememberTtl } from "./ttl-record.ts";
import type { AnswerEntry, GroupView, LockEntry, NodeEntry } from "./view.ts";

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
      setOrDelete(draft.nodes, parsed.name, present ? readNode(kv) : undefined);
      if (present && kv.value === "master") draft.announced.clear();
      break;
    case "details":
      setOrDelete(draft.details, parsed.name, present ? parseDetails(kv.value) : undefined);
      break;
    case "rank": {
      const answer = present ? parseAnswer(kv.value) : undefined;
      setOrDelete(draft.answers, parsed.name, answer && { ...answer, lease: kv.lease });
      if (answer?.may && answer.rank !== undefined) draft.announced.set(parsed.name, answer.rank);
      break;
    }
    case "frontend":
      setOrDelete(draft.frontends, parsed.name, present ? parseFrontend(kv.value) : undefined);
      break;
    case "lock":
      draft.lock = present ? readLock(kv) : undefined;
      break;
    case "handover":
      draft.handover = present ? kv.createRevision : undefined;
      draft.handoverNote = present ? parseHandover(kv.value) : undefined;
      break;
    case "election":
      draft.election = present ? { round: kv.modRevision, lease: kv.lease } : undefined;
      break;
    case "lastMaster":
      draft.lastMaster = present ? readLastMaster(kv) : undefined;
      break;
    case "since":
      draft.since = changed(draft.since, parsed.name, present ? readSince(kv) : undefined);
      break;
    case "report":
      draft.reports = changed(draft.reports, parsed.name, present ? parseReport(kv.value) : undefined);
      break;
    case "term": {
      const token = Number(parsed.name);
      draft.terms = changed(draft.terms, token, present ? parseTerm(token, kv.value) : undefined);
      break;
    }
    case "ask": {
      const node = parsed.name || undefined;
      const ask = present ? parseAsk(parsed.ask, node, kv) : undefined;
      draft.asks = changed(draft.asks, askName(parsed.ask, node), ask);
      break;
    }
    case "ttl":
    case "proof":
    case "claim":
    case "value":
    case "unknown":
      break;
  }
}

function readNode({ value, lease, modRevision }: KeyValue): NodeEntry {
  return { state: value, lease, modRevision };
}

function readSince({ value }: KeyValue): number | undefined {
  const since = Number(value);
  return isTime(since) ? since : undefined;
}

/** A copy, as these maps change seldom and most batches leave them as they are. */
function changed<Key, Value>(
  map: ReadonlyMap<Key, Value>,
  key: Key,
  value: Value | undefined,
): ReadonlyMap<Key, Value> {
  const copy = new Map(map);
  setOrDelete(copy, key, value);
  return copy;
}

function setOrDelete<Key, Value>(map: Map<Key, Value>, key: Key, value: Value | undefined): void {
  if (value === undefined) map.delete(key);
  else map.set(key, value);
}

function readLock(kv: KeyValue): LockEntry {
  const value = parseLock(kv.value);
  return {
    token: kv.createRevision,
    lease: kv.lease,
    node: value?.node,
    takenAfter: value?.takenAfter ?? "wait",
  };
}

function readLastMaster({ value }: KeyValue): string | undefined {
  const { node } = parseObject(value);
  return typeof node === "string" ? node : undefined;
}
