import { join } from "node:path";
import { makeDataByCommand } from "./backup-commands.ts";
import type { HookContext } from "./context.ts";
import { fail } from "./failure.ts";
import { writeOut } from "./folders.ts";
import { giveAccess } from "./group-access.ts";
import { clearTemporary, newData, newTemporary } from "./place.ts";
import { forgetRecovery } from "./recovery-settings.ts";
import { pgCtlOptions } from "./site-args.ts";

/** As long as the log since the backup takes. */
const LONGEST_S = 7 * 86_400;
const LOOK_MS = 100;
const LINES = 5;

/**
 * Makes a new group's data by MSDHA_PG_INITDB_COMMAND: it restores a backup of another group. Where it has left a
 * `recovery.signal`, the server recovers to the point that the settings beside it name, alone, and begins a timeline of its
 * own. Rejects with a `HookFailure` where the command fails, or the log ends before that point.
 */
export async function recoverOtherGroup(context: HookContext): Promise<void> {
  const { initdbCommand } = context.settings;
  await clearTemporary(context);
  newTemporary(context);
  using activity = context.activity.begin("restoring the data of another group");
  context.log("making the group's data by MSDHA_PG_INITDB_COMMAND");
  await makeDataByCommand(context, "MSDHA_PG_INITDB_COMMAND", initdbCommand);
  activity.update("recovering the data of another group");
  await runToTheEnd(context);
  forgetRecovery(context, newData(context));
  await giveAccess(context, newData(context));
  await writeOut(context, newData(context));
}

/** Runs a server that nobody reaches, until it has recovered, and stops it. */
async function runToTheEnd(context: HookContext): Promise<void> {
  const { files, settings } = context;
  const { home } = settings;
  const log = join(home, "recovery.log");
  files.remove(log);
  const pgCtl = [context.program("pg_ctl"), "-D", newData(context), "-w", "-t", String(LONGEST_S)];
  const command = pgCtlOptions(context, newData(context), [
    // It does not compare its settings with those of the former master then, and takes connections only in the end.
    ...["hot_standby=off", "recovery_target_action=promote"],
    ...["synchronous_standby_names=", "logging_collector=off", "log_destination=stderr", "lc_messages=C"],
  ]);
  const started = await context.run([...pgCtl, "-l", log, "start", "-o", command]);
  const recovered = started.code === 0 && (await waitUntilRecovered(context));
  const lines = files.read(log)?.trimEnd().split("\n") ?? [];
  for (const line of lines.slice(-LINES)) context.log(line);
  context.signal.throwIfAborted();
  if (!recovered) {
    const why = lines.findLast((line) => line.includes("FATAL")) ?? started.stderr.trim();
    fail(`the data of MSDHA_PG_INITDB_COMMAND could not be recovered: ${why}`);
  }
  const stopped = await context.run([...pgCtl, "-m", "fast", "stop"]);
  if (stopped.code !== 0) fail(`the server that recovered the data did not stop: ${stopped.stderr.trim()}`);
}

/** Resolves with true when the server is no standby any more, and with false when it has ended. */
async function waitUntilRecovered(context: HookContext): Promise<boolean> {
  const pidFile = join(newData(context), "postmaster.pid");
  for (;;) {
    const text = context.files.read(pidFile);
    if (text === undefined) return false;
    if (text.split("\n")[7]?.startsWith("ready")) return true;
    await context.sleep(LOOK_MS);
  }
}
