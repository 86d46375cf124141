import type { HookContext } from "./context.ts";
import { readControlData } from "./control-data.ts";
import { type Lsn, parseLsn } from "./lsn.ts";
import { leftBefore, type TheirHistory } from "./timeline.ts";

/** A place in the log that the server of these data must get to, on that timeline. */
interface NeededPlace {
  readonly timeline: number;
  readonly at: Lsn;
}

/**
 * Resolves with whether another server's history left this one's before the log that the data of a standby need to open. A server that
 * finds that history, in its archive or among its log, does not start, or waits for ever. (Of a clone that was not started its
 * backup_label tells what it needs.)
 */
export async function needsLogBeyond(
  context: HookContext,
  theirs: Pick<TheirHistory, "newest" | "history"> | undefined,
): Promise<boolean> {
  if (!theirs || context.files.exists(`${context.settings.data}/backup_label`)) return false;
  return neededPlaces(await readControlData(context)).some(({ timeline, at }) =>
    leftBefore(theirs, timeline, at),
  );
}

/** Returns the ends of the log that data with these control data need: up to their checkpoint, and up to what their pages hold. */
export function neededPlaces(control: ReadonlyMap<string, string>): readonly NeededPlace[] {
  const place = (timeline: string, at: string, more: Lsn): readonly NeededPlace[] => {
    const text = control.get(at);
    return text === undefined ? [] : [{ timeline: Number(control.get(timeline)), at: parseLsn(text) + more }];
  };
  return [
    // Its record begins there.
    ...place("Latest checkpoint's TimeLineID", "Latest checkpoint location", 1n),
    ...place("Min recovery ending loc's timeline", "Minimum recovery ending location", 0n),
  ];
}
