import { type CloneNotes, clone, clonePause } from "./clone.ts";
import type { HookContext } from "./context.ts";
import { wasMaster } from "./control-data.ts";
import type { Master } from "./current-master.ts";
import { fail } from "./failure.ts";
import { writeOut } from "./folders.ts";
import { askHistory } from "./history.ts";
import { answerOf } from "./local-server.ts";
import { needsLogBeyond, readCloneLabel } from "./needed-log.ts";
import { forgetUnbegunRecovery, type PromotedMaster, pgRewind, type RewindResult } from "./pg-rewind.ts";
import { setAside, takeIntoUse } from "./place.ts";
import { forgetMark, type RejoinMark, readMark } from "./rejoin-mark.ts";
import { describeRewindFailure, judgeRewindFailure } from "./rewind-failure.ts";
import { forgetRewindLog } from "./rewind-log.ts";
import { setLogAside } from "./set-log-aside.ts";
import { masterMark } from "./standby-settings.ts";

const PAUSE_MS = 200;
const FIRST_WORD_LOOKS = 25;
/** So often a rewind is tried again that failed for a reason which is none of those that are known. */
const UNKNOWN_ATTEMPTS = 5;

/** What one run of `rejoin` remembers of its attempts. */
interface Attempts extends CloneNotes {
  /** How many rewinds to the master at `rewoundTo` have failed, and how many of them for an unknown reason. */
  rewinds: number;
  unknown: number;
  rewoundTo: string;
  /** The data were marked so when the first attempt began. */
  readonly beyond: boolean;
}

/**
 * Brings a former master, or a standby whose history parted from the master's, to where its data may be started as a
 * standby's.
 */
export async function rejoin(context: HookContext): Promise<void> {
  if (readMark(context) === "rewound") await keepRewound(context);
  await forgetUnbegunRecovery(context);
  if (readMark(context) !== "rewinding") await forgetRewindLog(context);
  const beyond = readMark(context) === "beyond";
  const attempts: Attempts = { unreachable: "", failures: 0, rewinds: 0, unknown: 0, rewoundTo: "", beyond };
  let looks = 0;
  for (let told = false; ; ) {
    for (let master = context.group.master(); master; master = context.group.master()) {
      if (await fits(context, master, attempts)) return;
      looks += 1;
      // What holds up a clone or a rewind was logged there.
      if (looks === FIRST_WORD_LOOKS && !hasFailed(attempts)) {
        const { name, address } = master;
        context.log(
          `waiting for ${name} (${address}), to make the data fit its history: it does not answer, or has not finished the first ` +
            "checkpoint after its promotion",
        );
      }
      await context.sleep(pauseAfter(attempts));
    }
    const why = whyNotWithoutMaster(readMark(context));
    if (why === undefined) return;
    if (!told) context.log(`waiting for a master: ${why}`);
    told = true;
    await context.group.change(PAUSE_MS, context.signal);
  }
}

function hasFailed({ failures, unreachable, rewinds }: Attempts): boolean {
  return failures > 0 || rewinds > 0 || unreachable !== "";
}

function pauseAfter({ failures, rewinds }: Attempts): number {
  const most = Math.max(failures, rewinds);
  return most === 0 ? PAUSE_MS : clonePause({ failures: most });
}

/** Returns why these data may not be started where there is no master; undefined where they are as good as any. */
function whyNotWithoutMaster(mark: RejoinMark | undefined): string | undefined {
  if (mark === "rewinding") return "an earlier pg_rewind was cut halfway";
  if (mark === "recovering") return "a rewind was cut that had recovered the log of this standby by itself";
  return undefined;
}

/**
 * Resolves with whether the data may be started as they are, at once or after a rewind. A standby that opens
 * finds out by itself whether it can follow the master, and follows no server before.
 */
async function fits(context: HookContext, master: Master, attempts: Attempts): Promise<boolean> {
  const mark = readMark(context);
  const standby = !(await wasMaster(context));
  const { kinship, theirs } = await askHistory(context, context.peer(master.address));
  const mustRewind = mark !== undefined || !standby || kinship === "twin" || kinship === "parted";
  if (!mustRewind && !(await needsLogBeyond(context, theirs))) return true;
  if (!mustRewind && readCloneLabel(context) !== undefined) {
    // Nothing in it is its own.
    context.log(`this clone was not started, and ${master.name} may not have all the log that it needs`);
    return await cloneInstead(context, master, attempts);
  }
  if (mark === "missed") {
    return await replace(
      context,
      master,
      `${master.name} has removed log that this node still needs`,
      attempts,
    );
  }
  // pg_rewind compares timelines by their numbers and beginnings only, and trusts a standby's control file, which may still name an older
  // one that both have.
  if (kinship === "twin") return await replace(context, master, twinOf(master), attempts);
  const timeline = await promotedTimeline(context, master);
  return timeline !== undefined && (await rewind(context, { ...master, timeline }, mark, attempts));
}

/**
 * Resolves with that server's timeline when it is promoted and its control file says so too (pg_rewind 15 and older read the control
 * file, which lags behind until the first checkpoint).
 */
async function promotedTimeline(context: HookContext, { address }: Master): Promise<number | undefined> {
  const timeline = await answerOf(
    context.peer(address).value(`SELECT CASE WHEN NOT pg_is_in_recovery() THEN CASE
      WHEN ('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::int = timeline_id THEN timeline_id END END
      FROM pg_control_checkpoint()`),
  );
  return timeline ? Number(timeline) : undefined;
}

/** Makes the data a point in the master's history. Where the histories did not part, pg_rewind changes nothing. */
async function rewind(
  context: HookContext,
  master: PromotedMaster,
  mark: RejoinMark | undefined,
  attempts: Attempts,
): Promise<boolean> {
  using _ = context.activity.begin(`rewinding to the history of ${master.name}`);
  const result = await pgRewind(context, master, mark);
  const { done, output } = result;
  if (!done) return await tryAgainOrReplace(context, master, result, attempts);
  // Two nodes that were promoted without knowing of each other give their timelines the same number, and pg_rewind takes
  // them for one. A former master is never on its successor's timeline.
  if (output.includes("on the same timeline") && (await wasMaster(context))) {
    return await replace(context, master, twinOf(master), attempts);
  }
  if (attempts.beyond && !(await setLogAside(context, master))) return false;
  await keepRewound(context);
  return true;
}

/** After a rewind that failed. What passes by itself costs no data: they are rewound when it has passed. */
async function tryAgainOrReplace(
  context: HookContext,
  master: Master,
  result: RewindResult,
  attempts: Attempts,
): Promise<boolean> {
  const { name, address } = master;
  const why = describeRewindFailure(result.output);
  if (attempts.rewoundTo !== address) {
    attempts.rewinds = 0;
    attempts.unknown = 0;
  }
  attempts.rewoundTo = address;
  if (!(await mayPass(context, master, result, attempts))) {
    return await replace(
      context,
      master,
      `pg_rewind can't make the data fit the history of ${name}: ${why}`,
      attempts,
    );
  }
  attempts.rewinds += 1;
  const seconds = clonePause({ failures: attempts.rewinds }) / 1_000;
  context.log(`the rewind failed and will be tried again in ${seconds} s: ${why}`);
  return false;
}

async function mayPass(
  context: HookContext,
  { address }: Master,
  { output, lasting }: RewindResult,
  attempts: Attempts,
): Promise<boolean> {
  if (lasting) return false;
  const failure = judgeRewindFailure(output);
  if (failure !== "unknown") return failure === "passing";
  if (context.group.master()?.address !== address) return true;
  if ((await answerOf(context.peer(address).query("SELECT 1"))) === undefined) return true;
  // Without a clone the node ends, and its next start tries again.
  attempts.unknown += 1;
  return context.settings.reclone && attempts.unknown < UNKNOWN_ATTEMPTS;
}

/** Has data that were rewound on the disk, so that they may be started. The mark of a master that pg_rewind has copied says nothing of them. */
async function keepRewound(context: HookContext): Promise<void> {
  context.files.remove(masterMark(context));
  await writeOut(context, context.settings.data);
  forgetMark(context);
  await forgetRewindLog(context);
}

function twinOf({ name }: Master): string {
  return `this node and ${name} have different timelines of the same number`;
}

/** Puts a clone in the place of data that are of no use, where that is allowed. */
async function replace(
  context: HookContext,
  master: Master,
  why: string,
  notes: CloneNotes,
): Promise<boolean> {
  const { reclone, data } = context.settings;
  if (!reclone) {
    fail(`PGDATA: ${why}; with MSDHA_PG_RECLONE=yes ${data} is cloned anew and the old data are kept aside`);
  }
  context.log(why);
  return await cloneInstead(context, master, notes);
}

async function cloneInstead(context: HookContext, master: Master, notes: CloneNotes): Promise<boolean> {
  if (!(await clone(context, master, notes))) return false;
  setAside(context);
  await takeIntoUse(context);
  return true;
}
