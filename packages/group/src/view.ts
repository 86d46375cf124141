import type { LeaseId } from "@msdha/etcd-client";
import type { TakenAfter, TtlRecord } from "@msdha/etcd-lock";
import type { Ask } from "./ask.ts";
import type { Answer } from "./candidacy.ts";
import type { FrontendEntry } from "./frontend-entry.ts";
import type { HandoverNote } from "./handover-note.ts";
import { type GroupKeys, groupKeys } from "./keys.ts";
import type { NodeDetails } from "./node-state.ts";
import type { NodeReport } from "./report.ts";
import type { Term } from "./term.ts";

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
  /** What the hand-over says; undefined for anything that a node can't have written. */
  readonly handoverNote: HandoverNote | undefined;
  /** The master that was published last, by the group's record. */
  readonly lastMaster: string | undefined;
  readonly ttl: TtlRecord;
  /** When each node came into its state, by its machine's wall clock, in ms since 1970. */
  readonly since: ReadonlyMap<string, number>;
  /** What each node's program says of itself, for people: nothing is decided by it. */
  readonly reports: ReadonlyMap<string, NodeReport>;
  /** The masters that there were, by their tokens. */
  readonly terms: ReadonlyMap<number, Term>;
  /** What operators ask for, by `askName`. */
  readonly asks: ReadonlyMap<string, Ask>;
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
  readonly takenAfter: TakenAfter;
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
    handoverNote: undefined,
    lastMaster: undefined,
    ttl: { seconds: 0, modRevision: 0 },
    since: new Map(),
    reports: new Map(),
    terms: new Map(),
    asks: new Map(),
  };
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
  const known = details.get(lock.node);
  const address = known?.address ?? lock.node;
  return { kind: "master", name: lock.node, address, token: lock.token, ...(known?.held && { held: true }) };
}
