import type { HookContext } from "./context.ts";
import { readControlData } from "./control-data.ts";
import { walFiles } from "./history.ts";
import { endOfSegment, isSegment, type Lsn, parseLsn } from "./lsn.ts";
import { leftBefore, type TheirHistory } from "./timeline.ts";

/** A place in the log that the server of these data must get to, on that timeline. */
interface NeededPlace {
  readonly timeline: number;
  readonly at: Lsn;
}

/**
 * Resolves with whether another server's history left this one's before the log that the data of a standby need to open. A server that
 * finds that history, in its archive or among its log, does not start, or waits for ever.
 */
export async function needsLogBeyond(
  context: HookContext,
  theirs: Pick<TheirHistory, "newest" | "history"> | undefined,
): Promise<boolean> {
  if (!theirs) return false;
  const control = await readControlData(context);
  const label = readCloneLabel(context);
  // What pg_rewind has made is looked at by its mark.
  if (label === undefined && hasLabel(context)) return false;
  const places = label === undefined ? neededPlaces(control) : placesOfClone(context, label, control);
  return places.some(({ timeline, at }) => leftBefore(theirs, timeline, at));
}

/** Returns the `backup_label` of a clone that was not started yet; undefined where there is none, and in data that were rewound. */
export function readCloneLabel({
  files,
  settings,
}: Pick<HookContext, "files" | "settings">): string | undefined {
  const label = files.read(labelFile(settings));
  return label?.includes("BACKUP METHOD: pg_rewind") ? undefined : label;
}

function hasLabel({ files, settings }: Pick<HookContext, "files" | "settings">): boolean {
  return files.exists(labelFile(settings));
}

function labelFile({ data }: HookContext["settings"]): string {
  return `${data}/backup_label`;
}

/**
 * Returns what a clone that was not started needs: the checkpoint that it begins at, and the end of its backup, which is somewhere in the
 * newest file of the log that came with it. Its control file is older than that end.
 */
function placesOfClone(
  { account, settings }: HookContext,
  label: string,
  control: ReadonlyMap<string, string>,
): readonly NeededPlace[] {
  const [, checkpoint] = /^CHECKPOINT LOCATION: (\S+)$/m.exec(label) ?? [];
  const [, timeline] = /^START TIMELINE: (\d+)$/m.exec(label) ?? [];
  const begin = checkpoint && timeline ? [{ timeline: Number(timeline), at: parseLsn(checkpoint) + 1n }] : [];
  const bytes = Number(control.get("Bytes per WAL segment"));
  const last = account
    .act(() => walFiles(settings.data))
    .filter(isSegment)
    .sort()
    .at(-1);
  const end =
    last && bytes ? [{ timeline: Number.parseInt(last.slice(0, 8), 16), at: endOfSegment(last, bytes) }] : [];
  return [...begin, ...end];
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
