import { type CloneNotes, clone, clonePause } from "./clone.ts";
import type { HookContext } from "./context.ts";
import { wasMaster } from "./control-data.ts";
import type { Master } from "./current-master.ts";
import { fail } from "./failure.ts";
import { writeOut } from "./folders.ts";
import { askHistory } from "./history.ts";
import { answerOf } from "./local-server.ts";
import { pgRewind } from "./pg-rewind.ts";
import { setAside, takeIntoUse } from "./place.ts";
import { forgetMark, type RejoinMark, readMark } from "./rejoin-mark.ts";
import { setLogAside } from "./set-log-aside.ts";

const PAUSE_MS = 200;
const FIRST_WORD_LOOKS = 25;

/**
 * Brings a former master, or a standby whose history parted from the master's, to where its data may be started as a
 * standby's.
 */
export async function rejoin(context: HookContext): Promise<void> {
  if (readMark(context) === "rewound") await keepRewound(context);
  const mark = readMark(context);
  const notes: CloneNotes = { unreachable: "", failures: 0 };
  let looks = 0;
  for (let told = false; ; ) {
    for (let master = context.group.master(); master; master = context.group.master()) {
      if (await fits(context, master, mark, notes)) return;
      looks += 1;
      // What holds up a clone was logged there.
      if (looks === FIRST_WORD_LOOKS && notes.failures === 0 && notes.unreachable === "") {
        const { name, address } = master;
        context.log(
          `waiting for ${name} (${address}), to make the data fit its history: it does not answer, or has not finished the first ` +
            "checkpoint after its promotion",
        );
      }
      await context.sleep(notes.failures === 0 ? PAUSE_MS : clonePause(notes));
    }
    // With no master these data are as good as any, unless a rewind was cut halfway.
    if (mark !== "rewinding") return;
    if (!told) context.log("waiting for a master: an earlier pg_rewind was cut halfway");
    told = true;
    await context.group.change(PAUSE_MS, context.signal);
  }
}

/**
 * Resolves with whether the data may be started as they are, at once or after a rewind. A standby that needs no rewind
 * finds out by itself whether it can follow the master, and follows no server before.
 */
async function fits(
  context: HookContext,
  master: Master,
  mark: RejoinMark | undefined,
  notes: CloneNotes,
): Promise<boolean> {
  const standby = !(await wasMaster(context));
  const kinship = standby ? (await askHistory(context, context.peer(master.address))).kinship : undefined;
  const mustRewind = mark !== undefined || !standby || kinship === "twin" || kinship === "parted";
  if (!mustRewind) return true;
  if (mark === "missed") {
    return await replace(context, master, `${master.name} has removed log that this node still needs`, notes);
  }
  // A standby's control file may still name an older timeline, one that both have, and pg_rewind would trust it.
  if (kinship === "twin") return await replace(context, master, twinOf(master), notes);
  return (await isPromoted(context, master)) && (await rewind(context, master, mark, notes));
}

/**
 * That server is promoted and its control file says so too (pg_rewind 15 and older read the control file, which lags
 * behind until the first checkpoint).
 */
async function isPromoted(context: HookContext, { address }: Master): Promise<boolean> {
  const promoted = await answerOf(
    context.peer(address).value(`SELECT NOT pg_is_in_recovery() AND CASE WHEN pg_is_in_recovery() THEN false
      ELSE ('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::int = timeline_id END
      FROM pg_control_checkpoint()`),
  );
  return promoted === "t";
}

/** Makes the data a point in the master's history. Where the histories did not part, pg_rewind changes nothing. */
async function rewind(
  context: HookContext,
  master: Master,
  mark: RejoinMark | undefined,
  notes: CloneNotes,
): Promise<boolean> {
  const { name, address } = master;
  using _ = context.activity.begin(`rewinding to the history of ${name}`);
  const output = await pgRewind(context, master, mark);
  if (output === undefined) {
    if (context.group.master()?.address !== address) return false;
    if ((await answerOf(context.peer(address).query("SELECT 1"))) === undefined) return false;
    return await replace(context, master, `pg_rewind can't make the data fit the history of ${name}`, notes);
  }
  // Two nodes that were promoted without knowing of each other give their timelines the same number, and pg_rewind takes
  // them for one. A former master is never on its successor's timeline.
  if (output.includes("on the same timeline") && (await wasMaster(context))) {
    return await replace(context, master, twinOf(master), notes);
  }
  if (mark === "beyond" && !(await setLogAside(context, master))) return false;
  await keepRewound(context);
  return true;
}

/** Has data that were rewound on the disk, so that they may be started. */
async function keepRewound(context: HookContext): Promise<void> {
  await writeOut(context, context.settings.data);
  forgetMark(context);
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
  if (!(await clone(context, master, notes))) return false;
  setAside(context);
  await takeIntoUse(context);
  return true;
}
