import { conninfo } from "./conninfo.ts";
import type { HookContext } from "./context.ts";
import { readControlData, wasMaster } from "./control-data.ts";
import type { Master } from "./current-master.ts";
import { majorVersion } from "./major-version.ts";
import { cutTimeline, leaveMark, type RejoinMark, readMark, restoreMark } from "./rejoin-mark.ts";
import { readRestoreCommand } from "./restore-command.ts";
import { fitsWithoutLog, isRewindDone, keepRewindLog, restoreRewindLog } from "./rewind-log.ts";
import { complaintOf, runSingleUser } from "./single-user.ts";
import { writeStandbySettings } from "./standby-settings.ts";

export interface RewindResult {
  readonly done: boolean;
  /** What pg_rewind says, or why the data could not be recovered for it. */
  readonly output: string;
  /** No other attempt with these data and this master will do better. */
  readonly lasting?: boolean;
}

/** A master whose server is promoted, and the timeline that it writes. */
export interface PromotedMaster extends Master {
  readonly timeline: number;
}

/** What pg_rewind says where the data are an earlier point of the other server's history. */
const UNNEEDED = "no rewind required";

/**
 * Makes the data a point in the master's history. Where the histories did not part it changes nothing. Where it fails the log says why.
 * The mark `rewinding` is left as soon as the data are changed so that they can't be started any more: a trial (`--dry-run`)
 * has found all that pg_rewind needs before. When it is done the mark is `rewound`, until the data are on the disk.
 */
export async function pgRewind(
  context: HookContext,
  master: PromotedMaster,
  mark: RejoinMark | undefined,
): Promise<RewindResult> {
  const { files, log, settings } = context;
  // Standby mode is unknown to the single-user server that recovers the data.
  files.remove(`${settings.data}/standby.signal`);
  log(`pg_rewind: making the data fit the history of ${master.name} (${master.address})`);
  const wasCut = mark === "rewinding";
  if (wasCut && (await isRewindDone(context))) {
    leaveMark(context, "rewound");
    return { done: true, output: "" };
  }
  const refusal = wasCut ? whyNotGoOn(context, master) : undefined;
  if (refusal !== undefined) return { done: false, output: refusal, lasting: true };
  const complaint = wasCut ? await restoreRewindLog(context) : await recover(context);
  if (complaint !== undefined) return { done: false, output: complaint };
  const command = await rewindCommand(context, master);
  if (!wasCut) {
    const trial = await run(context, [...command, "--dry-run", "--progress"]);
    if (!trial.done || trial.output.includes(UNNEEDED)) {
      for (const line of trial.output.trim().split("\n")) log(line);
      return readMark(context) === "recovering" ? refuseUnneeded(trial) : trial;
    }
    const unkept = await keepRewindLog(context, trial.output);
    if (unkept !== undefined) {
      if (!fitsWithoutLog(context, unkept, trial.output)) return { done: false, output: unkept };
      log(
        "there is no room to keep the log that this rewind needs: if it is cut, the data have to be cloned anew",
      );
    }
    leaveMark(context, "rewinding", master.timeline);
  }
  const result = refuseUnneeded(await run(context, command, log));
  // A second pg_rewind would take the result for data of a master that crashed.
  if (result.done) leaveMark(context, "rewound");
  return result;
}

/**
 * Returns why a rewind that was cut can't be gone on with; undefined where it can. With another history than the first one it
 * can't: pages of that are in the data, and pg_rewind looks only at those that the two servers' logs name.
 */
function whyNotGoOn(context: HookContext, { timeline }: PromotedMaster): string | undefined {
  const begun = cutTimeline(context);
  if (begun === timeline) return undefined;
  return `can't go on with a rewind that was begun with ${begun === undefined ? "an unknown timeline" : `timeline ${begun}`}: the master is on ${timeline}`;
}

/**
 * Data that a rewind has changed in part, or whose log has a record that no other node has, are no point of anybody's history,
 * whatever their control file says.
 */
function refuseUnneeded(result: RewindResult): RewindResult {
  if (!result.done || !result.output.includes(UNNEEDED)) return result;
  const output = `can't use the data as they are: ${UNNEEDED}, but they were changed`;
  return { done: false, output, lasting: true };
}

/** Takes the mark `recovering` of data back that were not changed yet: the server notes first that it recovers them. */
export async function forgetUnbegunRecovery(context: HookContext): Promise<void> {
  if (readMark(context) === "recovering" && !(await wasMaster(context))) restoreMark(context);
}

async function run(
  context: HookContext,
  command: readonly string[],
  log?: (line: string) => void,
): Promise<RewindResult> {
  const { code, stdout, stderr } = await context.run(command, { log, logOutput: true });
  context.signal.throwIfAborted();
  return { done: code === 0, output: `${stdout}${stderr}` };
}

/**
 * Recovers data that were not shut down, as pg_rewind would, but by the settings that they need. Resolves with why it could not;
 * undefined where it could.
 */
async function recover(context: HookContext): Promise<string | undefined> {
  const { log, settings } = context;
  const state = (await readControlData(context)).get("Database cluster state") ?? "";
  if (["shut down", "shut down in recovery"].includes(state)) return undefined;
  // A standby that is recovered alone has a record then that no other node has.
  if (!(await wasMaster(context))) leaveMark(context, "recovering");
  const result = await runSingleUser(context, settings.data);
  context.signal.throwIfAborted();
  if (result.code === 0) return undefined;
  await forgetUnbegunRecovery(context);
  log(`the data can't be recovered: ${complaintOf(result)}`);
  return complaintOf(result);
}

async function rewindCommand(context: HookContext, { address }: Master): Promise<readonly string[]> {
  const { program, settings } = context;
  const source = conninfo(settings, address, { version: await majorVersion(context) });
  return [
    ...["env", "LC_ALL=C", program("pg_rewind")],
    ...[`--target-pgdata=${settings.data}`, `--source-server=${source} dbname=postgres`, "--no-sync"],
    // What is not shut down by now was written by a rewind that did not reach the disk: no recovery makes it whole.
    "--no-ensure-shutdown",
    ...((await hasRestoreCommand(context)) ? ["--restore-target-wal"] : []),
  ];
}

/** Where there is one, pg_rewind may get log from the archive that these data do not have any more. */
async function hasRestoreCommand(context: HookContext): Promise<boolean> {
  // The settings of the last run may name another archive.
  writeStandbySettings(context, undefined);
  return (await readRestoreCommand(context)) !== "";
}
