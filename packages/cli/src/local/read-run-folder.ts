import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { plain } from "../render/plain.ts";

/** What the last run of a node has left in its run folder. */
export interface LeftBehind {
  /** Its last state, and whether it ended cleanly there; undefined: no run has got that far. */
  readonly lastEnd: { readonly clean: boolean; readonly state: string; readonly at: number } | undefined;
  /** Its last time as the master; `end` is undefined for one that goes on, or ended without a trace. */
  readonly lastTerm:
    | { readonly token: number; readonly end: { readonly why: string; readonly at: number } | undefined }
    | undefined;
}

/** Reads what a node writes for its own next run. What is missing or of another version is undefined. */
export async function readRunFolder(runDir: string): Promise<LeftBehind> {
  const end = await read(join(runDir, "last_end"));
  const term = await read(join(runDir, "last_term"));
  return { lastEnd: end && parseEnd(end), lastTerm: term && parseTerm(term.text) };
}

interface Left {
  readonly text: string;
  readonly at: number;
}

async function read(path: string): Promise<Left | undefined> {
  try {
    return { text: await readFile(path, "utf8"), at: (await stat(path)).mtimeMs };
  } catch {
    return undefined;
  }
}

function parseEnd({ text, at }: Left): LeftBehind["lastEnd"] {
  const [, end, state] = /^(clean|unclean) ([a-z_]+)\n$/.exec(text) ?? [];
  return state === undefined ? undefined : { clean: end === "clean", state, at };
}

function parseTerm(text: string): LeftBehind["lastTerm"] {
  try {
    const { token, end } = JSON.parse(text) as { token?: unknown; end?: { why?: unknown; at?: unknown } };
    if (typeof token !== "number") return undefined;
    if (typeof end?.why !== "string" || typeof end.at !== "number") return { token, end: undefined };
    return { token, end: { why: plain(end.why), at: end.at } };
  } catch {
    return undefined;
  }
}
