import { parseObject } from "./parse-object.ts";

/** The states of a node, in the order in which it runs through them. */
export const nodeStates = ["pre_start", "start", "running_not_ready", "ready", "master"] as const;

export type NodeState = (typeof nodeStates)[number];

/** What a node publishes of itself, apart from its state. */
export interface NodeDetails {
  /** Distinguishes runs of nodes of one name. */
  readonly runId: string;
  /** The host name or IP address at which the others reach the node. */
  readonly address: string;
  readonly ttlSeconds: number;
  /** How long the node may take to answer in an election, in ms. A node without it is not asked, and always willing. */
  readonly candidateTimeoutMs?: number;
  /** Whether frontends send nothing to the node, should it be the master: until its `master` hook has run. */
  readonly held?: boolean;
  /** Which requests of operators the node understands: see `ASKS`. A node without it understands none. */
  readonly asks?: number | undefined;
}

/** What a node of this version says in its details of the requests that it understands. 2: `promote` too. */
export const ASKS = 2;

/** Reads a node's details; undefined for anything that a node can't have written. */
export function parseDetails(text: string): NodeDetails | undefined {
  const value = parseObject(text);
  const { runId, address, ttlSeconds, candidateTimeoutMs, held, asks } = value;
  if (typeof runId !== "string" || typeof address !== "string" || typeof ttlSeconds !== "number")
    return undefined;
  if (!isAddress(address)) return undefined;
  const asked = typeof candidateTimeoutMs === "number" && candidateTimeoutMs > 0;
  return {
    runId,
    address,
    ttlSeconds,
    ...(asked && { candidateTimeoutMs }),
    held: held === true,
    ...(typeof asks === "number" && { asks }),
  };
}

/** Whether a text can be a host name or an IP address: letters, digits, and `.`, `-`, `_`, `:`, `%`, the first no `-`. */
export function isAddress(text: string): boolean {
  return /^(?!-)[\p{L}\p{N}._:%-]{1,253}$/u.test(text);
}
