import { existsSync, readFileSync, rmSync } from "node:fs";
import { dirname } from "node:path";
import type { HookContext } from "./context.ts";
import { fail } from "./failure.ts";
import { readText, syncFolder, writeWhole } from "./files.ts";

/**
 * What the next `pre_start` has to know of the data: they parted from the group's history, their log is being recovered for a rewind,
 * a rewind was cut, a rewind is done and on its way to the disk, or nobody has the log any more that they lack.
 */
export type RejoinMark = "parted" | "beyond" | "recovering" | "rewinding" | "rewound" | "missed";

/** The file that says so, beside the data. */
export function markFile({ settings }: Pick<HookContext, "settings">): string {
  return `${settings.data}.msdha-rejoin`;
}

/**
 * Returns when it is on the disk: after a power failure, data that a rewind had begun to change must not look whole.
 * `recovering` keeps what the data were marked with before. With `rewinding` comes the timeline of the master that the data are made
 * to fit, which `rewound` keeps.
 */
export function leaveMark(context: HookContext, mark: RejoinMark, timeline?: number): void {
  const file = markFile(context);
  try {
    context.inParent(() => {
      const words = [mark, ...detailOf(mark, file, timeline)];
      writeWhole(file, `${words.join(" ")}\n`, true);
    });
  } catch (error) {
    fail(`PGDATA: can't write ${file}`, { cause: error });
  }
}

function detailOf(mark: RejoinMark, file: string, timeline: number | undefined): readonly string[] {
  if (mark === "rewound") return [boot() ?? "unknown", ...timelineIn(readWords(file))];
  if (mark === "rewinding" && timeline !== undefined) return [String(timeline)];
  return mark === "recovering" ? readWords(file).filter((word) => word !== "recovering") : [];
}

export function readMark(context: HookContext): RejoinMark | undefined {
  const [mark, detail] = context.inParent(() => readWords(markFile(context)));
  // What was not on the disk yet is gone with the machine's memory.
  if (mark === "rewound") return detail !== undefined && detail === boot() ? mark : "rewinding";
  return mark as RejoinMark | undefined;
}

/** Returns the timeline of the master that a rewind was begun with which was cut; undefined where nothing says it. */
export function cutTimeline(context: HookContext): number | undefined {
  const [timeline] = timelineIn(context.inParent(() => readWords(markFile(context))));
  return timeline === undefined ? undefined : Number(timeline);
}

/** The timeline, where a mark has one. */
function timelineIn([mark, ...details]: readonly string[]): readonly string[] {
  if (mark === "rewinding") return details.slice(0, 1);
  return mark === "rewound" ? details.slice(1, 2) : [];
}

/** Takes the mark `recovering` back: there is what there was before. */
export function restoreMark(context: HookContext): void {
  const [, before] = context.inParent(() => readWords(markFile(context)));
  if (before === undefined) forgetMark(context);
  else leaveMark(context, before as RejoinMark);
}

function readWords(file: string): readonly string[] {
  const text = existsSync(file) ? readFileSync(file, "utf8").trim() : "";
  return text === "" ? [] : text.split(" ");
}

/** Returns what tells one start of this machine from another; undefined where the system does not say. */
export function boot(): string | undefined {
  return readText("/proc/sys/kernel/random/boot_id")?.trim() || undefined;
}

/** Removes the mark, where there is one. Returns when that is on the disk: data that are whole must not look as if they were not. */
export function forgetMark(context: HookContext): void {
  const file = markFile(context);
  context.inParent(() => {
    if (!existsSync(file)) return;
    rmSync(file, { force: true });
    syncFolder(dirname(file));
  });
}
