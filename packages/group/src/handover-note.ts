import { parseObject } from "./parse-object.ts";

/** What a hand-over says: the value of the `_handover` key. */
export interface HandoverNote {
  /** Who gave the lock back, and the token of that lock. */
  readonly node: string;
  readonly token: number;
  /** The node that was chosen to take the lock. The others leave it to that one for a while. */
  readonly for?: string | undefined;
  /** Whether the last master itself stopped and handed over, so that nothing of it was cut off. */
  readonly masterStopped: boolean;
}

export function writeHandover({ node, token, masterStopped, ...note }: HandoverNote): string {
  return JSON.stringify({ node, token, for: note.for, masterStopped });
}

/** Reads a hand-over; undefined for anything that a node can't have written. */
export function parseHandover(text: string): HandoverNote | undefined {
  const { node, token, for: chosen, masterStopped } = parseObject(text);
  if (typeof node !== "string" || typeof token !== "number") return undefined;
  if (chosen !== undefined && typeof chosen !== "string") return undefined;
  return { node, token, for: chosen, masterStopped: masterStopped === true };
}
