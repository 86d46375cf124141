import { readFile } from "node:fs/promises";
import type { NodePlace } from "../postgresql-group/group-commands.ts";

/** What of a gap is the program's own and the hooks' time, in ms; undefined where the logs don't say. */
export interface Parts {
  /** The main process's own stop. */
  readonly stopMs: number | undefined;
  /** The `stopped` hook. */
  readonly stoppedHookMs: number | undefined;
  /** The `master` hook. */
  readonly masterHookMs: number | undefined;
}

interface LogLine {
  readonly at: number;
  readonly text: string;
}

/** Reads them from the logs of the former master and of the new one, beginning at `since` (ms since 1970). */
export async function readParts({
  nodes,
  formerMaster,
  master,
  since,
}: {
  readonly nodes: readonly NodePlace[];
  readonly formerMaster: string;
  readonly master: string;
  readonly since: number;
}): Promise<Parts> {
  const read = async (node: string): Promise<readonly LogLine[]> => {
    const place = nodes.find(({ name }) => name === node);
    return place ? parseLog(await readFile(place.logFile, "utf8"), since) : [];
  };
  return findParts(await read(formerMaster), await read(master));
}

/** Splits a log whose lines begin with the time at which they came. */
export function parseLog(text: string, since: number): readonly LogLine[] {
  return text
    .split("\n")
    .map((line) => ({
      at: Number(line.slice(0, line.indexOf(" "))),
      text: line.slice(line.indexOf(" ") + 1),
    }))
    .filter(({ at }) => at >= since);
}

export function findParts(former: readonly LogLine[], next: readonly LogLine[]): Parts {
  const isDown = /database system is shut down/;
  const stopped = /a hook has run.*hook=stopped/;
  return {
    stopMs: between(former, /received (fast|smart|immediate) shutdown request/, isDown),
    stoppedHookMs: between(former, isDown, stopped) ?? between(former, /ending: /, stopped),
    masterHookMs: between(next, /is the master/, /a hook has run.*hook=master/),
  };
}

/** The time from the first line that matches `begin` to the first after it that matches `end`. */
function between(lines: readonly LogLine[], begin: RegExp, end: RegExp): number | undefined {
  const from = lines.findIndex(({ text }) => begin.test(text));
  if (from < 0) return undefined;
  const to = lines.slice(from).find(({ text }) => end.test(text));
  return to && to.at - (lines[from]?.at ?? to.at);
}
