import type { GroupStatus } from "./group-status.ts";
import { parseObject } from "./parse-object.ts";

/** What one process knows of its group: for people where etcd does not answer. Nothing is decided by it. */
export interface LocalView {
  readonly group: string;
  /** The process that this view is from: "node one", or "the frontend". */
  readonly by: string;
  /** How long ago etcd confirmed this process's lease or read by a quorum, in ms; undefined: it never has. */
  readonly ageMs: number | undefined;
  readonly status: GroupStatus;
}

/** Returns a local view as one line of JSON. */
export function writeLocalView({ group, by, ageMs, status }: LocalView): string {
  return `${JSON.stringify({ group, by, ageMs, status })}\n`;
}

/** Reads what `writeLocalView` has written; undefined for anything else, such as an older version's complaint. */
export function parseLocalView(text: string): LocalView | undefined {
  const { group, by, ageMs, status } = parseObject(text);
  if (typeof group !== "string" || typeof by !== "string" || !isStatus(status)) return undefined;
  return { group, by, ageMs: typeof ageMs === "number" ? ageMs : undefined, status };
}

/** By its lists and its master alone: the text comes from a socket that only the programs' own user can open. */
function isStatus(status: unknown): status is GroupStatus {
  if (typeof status !== "object" || status === null) return false;
  const { nodes, terms, frontends, master } = status as Partial<Record<string, unknown>>;
  return [nodes, terms, frontends].every(Array.isArray) && typeof master === "object" && master !== null;
}
