import { existsSync, readFileSync, rmSync } from "node:fs";
import type { HookContext } from "./context.ts";
import { fail } from "./failure.ts";
import { readText, writeWhole } from "./files.ts";

/**
 * What the next `pre_start` has to know of the data: they parted from the group's history, a rewind was cut, a rewind is done and on
 * its way to the disk, or nobody has the log any more that they lack.
 */
export type RejoinMark = "parted" | "beyond" | "rewinding" | "rewound" | "missed";

/** The file that says so, beside the data. */
export function markFile({ settings }: Pick<HookContext, "settings">): string {
  return `${settings.data}.msdha-rejoin`;
}

/** Returns when it is on the disk: after a power failure, data that a rewind had begun to change must not look whole. */
export function leaveMark(context: HookContext, mark: RejoinMark): void {
  const file = markFile(context);
  try {
    context.inParent(() =>
      writeWhole(file, mark === "rewound" ? `${mark} ${boot() ?? ""}\n` : `${mark}\n`, true),
    );
  } catch (error) {
    fail(`PGDATA: can't write ${file}`, { cause: error });
  }
}

export function readMark(context: HookContext): RejoinMark | undefined {
  const file = markFile(context);
  const text = context.inParent(() => (existsSync(file) ? readFileSync(file, "utf8").trim() : ""));
  const [mark, since] = text.split(" ");
  // What was not on the disk yet is gone with the machine's memory.
  if (mark === "rewound") return since !== undefined && since === boot() ? mark : "rewinding";
  return text === "" ? undefined : (text as RejoinMark);
}

/** Returns what tells one start of this machine from another; undefined where the system does not say. */
function boot(): string | undefined {
  return readText("/proc/sys/kernel/random/boot_id")?.trim() || undefined;
}

export function forgetMark(context: HookContext): void {
  const file = markFile(context);
  context.inParent(() => rmSync(file, { force: true }));
}
