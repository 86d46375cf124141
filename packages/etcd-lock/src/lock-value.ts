/** How the holder of the lock came by it: over a clean hand-over, or it has to wait. */
export type TakenAfter = "handover" | "wait";

/** What is written of a lock's holder. */
export interface LockValue {
  /** The holder's name. */
  readonly node: string;
  readonly takenAfter: TakenAfter;
  /** The revision of the TTL's record that the take found; 0: there was none. Left out by earlier versions. */
  readonly record?: number | undefined;
}

/** Reads the lock's value; undefined for anything that a holder can't have written. */
export function parseLock(text: string): LockValue | undefined {
  const { node, takenAfter, record } = parseObject(text);
  if (typeof node !== "string" || (takenAfter !== "handover" && takenAfter !== "wait")) return undefined;
  return { node, takenAfter, record: typeof record === "number" ? record : undefined };
}

function parseObject(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}
