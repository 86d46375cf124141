import type { CallOptions, EtcdApi, LeaseId } from "@msdha/etcd-client";
import type { GroupKeys } from "./keys.ts";
import { parseObject } from "./parse-object.ts";

/** What the program of a node says of itself, for people and dashboards. Nothing is decided by it. */
export interface NodeReport {
  /** How many bytes of the master's data the node lacks; undefined: that is not known. */
  readonly behind: number | undefined;
  /** A short text; empty if there is nothing to say. */
  readonly note: string;
}

/** How many characters a note may have; a longer one is cut. */
const LONGEST_NOTE = 100;

/**
 * Reads what a `report` hook writes in its last line: a whole number of bytes, or `-` if that is not known, and after white
 * space a note. Returns undefined for anything else.
 */
export function readReportLine(line: string): NodeReport | undefined {
  const [, amount, note = ""] = /^(\d{1,15}|-)(?:\s+(.*))?$/s.exec(line.trim()) ?? [];
  if (amount === undefined) return undefined;
  return { behind: amount === "-" ? undefined : Number(amount), note: cut(note) };
}

/** The value of a report's key. */
export function writeReport({ behind, note }: NodeReport): string {
  return JSON.stringify({ behind, note: note === "" ? undefined : cut(note) });
}

/** Reads a report; what a node can't have written in it is left out. */
export function parseReport(text: string): NodeReport {
  const { behind, note } = parseObject(text);
  const isAmount = typeof behind === "number" && Number.isSafeInteger(behind) && behind >= 0;
  return { behind: isAmount ? behind : undefined, note: typeof note === "string" ? cut(note) : "" };
}

/**
 * Stores a node's report beside its key, on the same lease; undefined takes it away. Does nothing if the node's key is not on
 * that lease. A request that is carried out late can bring back an older report until the next one. Rejects as etcd does.
 */
export async function publishReport(
  etcd: EtcdApi,
  keys: GroupKeys,
  { name, lease }: { readonly name: string; readonly lease: LeaseId },
  report: NodeReport | undefined,
  options: CallOptions,
): Promise<void> {
  const key = keys.report(name);
  const change = report
    ? ({ type: "put", key, value: writeReport(report), lease } as const)
    : ({ type: "delete", key } as const);
  const compare = [{ key: keys.node(name), target: "lease", is: "=", value: lease } as const];
  await etcd.txn({ compare, success: [change], failure: [] }, options);
}

function cut(note: string): string {
  const characters = [...note.trim()];
  if (characters.length <= LONGEST_NOTE) return note.trim();
  return `${characters.slice(0, LONGEST_NOTE - 1).join("")}…`;
}
