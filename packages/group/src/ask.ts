import type { KeyValue, LeaseId } from "@msdha/etcd-client";
import { parseObject } from "./parse-object.ts";

/** What an operator may ask of a group. `pause` and `switchover` are for all of it, the others for one node. */
export const askKinds = ["pause", "switchover", "hold", "restart", "reinit", "promote"] as const;
export type AskKind = (typeof askKinds)[number];

/** Whether each request of a kind is for one node, named in its key. */
export function isForOneNode(kind: AskKind): boolean {
  return kind !== "pause" && kind !== "switchover";
}

/** A request of an operator: a key below `_ask/`. */
export interface Ask {
  readonly kind: AskKind;
  /** The node that it is for; undefined: the group. */
  readonly node: string | undefined;
  /** The mod revision of its key: what it is known by. */
  readonly revision: number;
  readonly lease: LeaseId;
  /** Who asked, for people. */
  readonly by: string;
  readonly why: string;
  /** When, by the wall clock of the operator's machine, in ms since 1970. */
  readonly at: number;
  /** When a pause or hold ends, by the wall clock of each node, in ms since 1970; undefined: when it is taken back. */
  readonly until: number | undefined;
  /** The lock that a switchover is to end, or the last master that a promotion is to follow: its token. */
  readonly token: number | undefined;
  /** The node that should be the next master; undefined: any. */
  readonly to: string | undefined;
  /** The run that a restart, new data or a promotion is for. */
  readonly run: string | undefined;
  /** Whether the node has said that it carries it out. Until then it can be withdrawn. */
  readonly accepted: boolean;
}

/** What is written of a request. */
export type AskText = Pick<Ask, "by" | "why" | "at"> &
  Partial<{ readonly [Field in "until" | "token" | "to" | "run" | "accepted"]: Ask[Field] }>;

/** The value of a request's key. */
export function writeAsk({ by, why, at, until, token, to, run, accepted }: AskText): string {
  return JSON.stringify({
    by,
    why,
    at,
    until,
    token,
    to,
    run,
    accepted: accepted === true ? true : undefined,
  });
}

/**
 * Reads a request. A pause or a hold counts whatever its value is, since a forbidden take is the safe reading; any other
 * request that does not say what it needs is undefined.
 */
export function parseAsk(kind: AskKind, node: string | undefined, kv: KeyValue): Ask | undefined {
  const { by, why, at, until, token, to, run, accepted } = parseObject(kv.value);
  const ask: Ask = {
    kind,
    node,
    revision: kv.modRevision,
    lease: kv.lease,
    by: text(by) ?? "",
    why: text(why) ?? "",
    at: number(at) ?? 0,
    until: number(until),
    token: number(token),
    to: text(to),
    run: text(run),
    accepted: accepted === true,
  };
  const needsToken = kind === "switchover" || kind === "promote";
  const needsRun = kind === "restart" || kind === "reinit" || kind === "promote";
  if ((needsToken && ask.token === undefined) || (needsRun && ask.run === undefined)) return undefined;
  return ask;
}

/** Whether a pause or hold has ended, by a wall clock. */
export function isOver({ until }: Pick<Ask, "until">, now: number): boolean {
  return until !== undefined && now >= until;
}

/** Asks by what they are known by in a view. */
export function askName(kind: AskKind, node?: string): string {
  return node === undefined ? kind : `${kind}/${node}`;
}

function text(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}

function number(value: unknown): number | undefined {
  return typeof value === "number" && Number.isFinite(value) ? value : undefined;
}

/** What keeps a node from taking the lock: the group's pause, or its own hold. */
export function findObstacle(asks: ReadonlyMap<string, Ask>, node: string): Ask | undefined {
  return asks.get(askName("pause")) ?? asks.get(askName("hold", node));
}
