import { existsSync, readFileSync, rmSync } from "node:fs";
import type { HookContext } from "./context.ts";
import { fail } from "./failure.ts";
import { writeWhole } from "./files.ts";

/**
 * What the next `pre_start` has to know of the data: they parted from the group's history, a rewind was cut, or nobody
 * has the log any more that they lack.
 */
export type RejoinMark = "parted" | "beyond" | "rewinding" | "missed";

/** The file that says so, beside the data. */
export function markFile({ settings }: Pick<HookContext, "settings">): string {
  return `${settings.data}.msdha-rejoin`;
}

/** Returns when it is on the disk: after a power failure, data that a rewind had begun to change must not look whole. */
export function leaveMark(context: HookContext, mark: RejoinMark): void {
  const file = markFile(context);
  try {
    context.inParent(() => writeWhole(file, `${mark}\n`, true));
  } catch (error) {
    fail(`PGDATA: can't write ${file}`, { cause: error });
  }
}

export function readMark(context: HookContext): RejoinMark | undefined {
  const file = markFile(context);
  const text = context.inParent(() => (existsSync(file) ? readFileSync(file, "utf8").trim() : ""));
  return text === "" ? undefined : (text as RejoinMark);
}

export function forgetMark(context: HookContext): void {
  const file = markFile(context);
  context.inParent(() => rmSync(file, { force: true }));
}
