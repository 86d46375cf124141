import { join } from "node:path";
import type { HookContext } from "./context.ts";
import { newestTimelineOf } from "./history.ts";
import { timelineDigits } from "./lsn.ts";
import { needsLogBeyond } from "./needed-log.ts";
import { quoteShell } from "./quoting.ts";
import { readRestoreCommand } from "./restore-command.ts";

/** An archive that hangs must not keep a group without a master from its start. */
const LONGEST_MS = 30_000;

/**
 * Looks whether the data have to be started on their own timeline. A server follows the newest timeline that its archive knows. Where
 * that began before what the data need, as that of a master which took over and is gone now, the server does not start; and where there
 * is no master, nothing makes the data fit. Started on their own timeline, they are compared with those of other nodes.
 */
export async function chooseTimeline(context: HookContext): Promise<void> {
  const { files, group, log } = context;
  files.remove(ownTimelineFile(context));
  const own = newestTimelineOf(context);
  if (group.master() || own === undefined) return;
  const newer = await findNewest(context, own);
  if (!newer || !(await needsLogBeyond(context, newer))) return;
  log(
    `timeline ${newer.newest} began before the end of these data, and there is no master: starting them on their own timeline, ${own}`,
  );
  files.write(ownTimelineFile(context), "");
}

/** Returns whether the server is to stay on the timeline of its data. */
export function staysOnTimeline(context: HookContext): boolean {
  return context.files.exists(ownTimelineFile(context));
}

function ownTimelineFile({ settings }: Pick<HookContext, "settings">): string {
  return join(settings.home, "own-timeline");
}

/** Resolves with the newest timeline that the server would find, as it looks for it: one after the other, from its own on. */
async function findNewest(
  context: HookContext,
  own: number,
): Promise<{ readonly newest: number; readonly history: string } | undefined> {
  const command = await readRestoreCommand(context);
  let found: { readonly newest: number; readonly history: string } | undefined;
  for (let newest = own + 1; ; newest += 1) {
    const history = await readHistory(context, `${timelineDigits(newest)}.history`, command);
    if (history === undefined) return found;
    found = { newest, history };
  }
}

async function readHistory(context: HookContext, name: string, command: string): Promise<string | undefined> {
  const { files, run, settings, signal } = context;
  const restored = join(settings.home, "restored-history");
  files.remove(restored);
  if (command !== "") {
    const words = expandCommand(command, name, restored);
    // The server runs it in its data.
    await run(["sh", "-c", `cd ${quoteShell(settings.data)} && ${words}`], { timeoutMs: LONGEST_MS });
    signal.throwIfAborted();
  }
  const text = files.read(restored) ?? files.read(join(settings.data, "pg_wal", name));
  files.remove(restored);
  return text;
}

/** Returns a restore command with what it is to get, and where to. */
export function expandCommand(command: string, name: string, path: string): string {
  const values: Readonly<Record<string, string>> = { f: name, p: path, r: "0".repeat(24), "%": "%" };
  return command.replace(/%([fpr%])/g, (_, letter: string) => values[letter] ?? "");
}
