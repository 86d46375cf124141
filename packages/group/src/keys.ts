import type { LeaseId } from "@msdha/etcd-client";
import { type AskKind, askKinds, askName, isForOneNode } from "./ask.ts";

/** Where a group keeps what in etcd. Every key begins with `/msdha/GROUP/`, the slash included. */
export interface GroupKeys {
  readonly prefix: string;
  readonly lock: string;
  readonly handover: string;
  readonly ttl: string;
  readonly election: string;
  readonly lastMaster: string;
  node(name: string): string;
  details(name: string): string;
  rank(name: string): string;
  /** What the holder of the lock writes to prove that it holds it, on this lease. */
  proof(lease: LeaseId): string;
  claim(name: string): string;
  value(name: string): string;
  frontend(id: string): string;
  /** Since when a node has been in its state. */
  since(name: string): string;
  /** What a node's program says of itself. */
  report(name: string): string;
  /** What is kept of one master's time. Keys are in the order of their tokens. */
  term(token: number): string;
  /** An operator's request. */
  ask(kind: AskKind, node?: string): string;
}

/** What a key of a group stands for. */
export type ParsedKey =
  | { readonly kind: "node" | FolderKind; readonly name: string }
  /** `name` is empty for a request to the whole group. */
  | { readonly kind: "ask"; readonly ask: AskKind; readonly name: string }
  | { readonly kind: "lock" | "handover" | "ttl" | "election" | "lastMaster" | "unknown" };

type FolderKind = "details" | "rank" | "proof" | "claim" | "value" | "frontend" | "since" | "report" | "term";

const FOLDERS: Readonly<Record<string, FolderKind>> = {
  _node: "details",
  _rank: "rank",
  _proof: "proof",
  _claim: "claim",
  _value: "value",
  _frontend: "frontend",
  _since: "since",
  _report: "report",
  _history: "term",
};

/** As many digits as a token can have, so that the keys of terms sort by it. */
const TOKEN_DIGITS = 16;

/** The keys of a group. Throws a `TypeError` for a name that can't be part of a key. */
export function groupKeys(group: string): GroupKeys {
  const prefix = `/msdha/${checkName(group)}/`;
  return {
    prefix,
    lock: `${prefix}_lock`,
    handover: `${prefix}_handover`,
    ttl: `${prefix}_ttl`,
    election: `${prefix}_election`,
    lastMaster: `${prefix}_last_master`,
    node: (name) => prefix + checkName(name),
    details: (name) => `${prefix}_node/${checkName(name)}`,
    rank: (name) => `${prefix}_rank/${checkName(name)}`,
    proof: (lease) => `${prefix}_proof/${checkName(lease)}`,
    claim: (name) => `${prefix}_claim/${checkName(name)}`,
    value: (name) => `${prefix}_value/${checkName(name)}`,
    frontend: (id) => `${prefix}_frontend/${checkName(id)}`,
    since: (name) => `${prefix}_since/${checkName(name)}`,
    report: (name) => `${prefix}_report/${checkName(name)}`,
    term: (token) => `${prefix}_history/${String(token).padStart(TOKEN_DIGITS, "0")}`,
    ask: (kind, node) => `${prefix}_ask/${askName(kind, node === undefined ? node : checkName(node))}`,
  };
}

/** Says what a key stands for; anything that no part of MSDHA can have written is `unknown`. */
export function parseKey({ prefix }: GroupKeys, key: string): ParsedKey {
  if (!key.startsWith(prefix)) return { kind: "unknown" };
  const rest = key.slice(prefix.length);
  if (rest === "_lock") return { kind: "lock" };
  if (rest === "_handover") return { kind: "handover" };
  if (rest === "_ttl") return { kind: "ttl" };
  if (rest === "_election") return { kind: "election" };
  if (rest === "_last_master") return { kind: "lastMaster" };
  if (rest.startsWith("_ask/")) return parseAskKey(rest.slice("_ask/".length));
  const [, folder, name = ""] = /^(?:(_[a-z]+)\/)?(.*)$/s.exec(rest) ?? [];
  const kind = folder === undefined ? "node" : FOLDERS[folder];
  return kind && isName(name) ? { kind, name } : { kind: "unknown" };
}

function parseAskKey(rest: string): ParsedKey {
  for (const ask of askKinds) {
    if (rest === ask && !isForOneNode(ask)) return { kind: "ask", ask, name: "" };
    const name = rest.startsWith(`${ask}/`) ? rest.slice(ask.length + 1) : "";
    if (isForOneNode(ask) && isName(name)) return { kind: "ask", ask, name };
  }
  return { kind: "unknown" };
}

/**
 * Whether a group or a node may be called so: 1 to 253 characters, no `/`, white space or controls, and in front no `_`
 * (MSDHA's own), `.` (a folder) or `-` (an option, to a program that a hook calls).
 */
export function isName(name: string): boolean {
  return /^(?![_.-])[^\p{White_Space}\p{C}/\uFFFD]{1,253}$/u.test(name);
}

function checkName(name: string): string {
  if (isName(name)) return name;
  throw new TypeError(
    `expected a name of 1 to 253 characters without / or white space, not beginning with _ . or -, got ${JSON.stringify(name)}`,
  );
}
