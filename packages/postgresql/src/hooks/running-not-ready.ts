import type { HookContext } from "../context.ts";
import type { Master } from "../current-master.ts";
import { fail } from "../failure.ts";
import { followMaster } from "../follow.ts";
import { giveHeadStart } from "../head-start.ts";
import { answerOf } from "../local-server.ts";
import { dropOwnLogicalSlots } from "../logical-slots.ts";
import { waitUntilOpen } from "../opening.ts";
import { describeCannotFollow, streamsFrom, whyItCannotFollow } from "../parted.ts";
import { POSITION_SQL, readPosition } from "../position.ts";
import { forgetMark, leaveMark } from "../rejoin-mark.ts";
import { incompleteMark } from "../standby-settings.ts";
import { standbyMark } from "./pre-start.ts";

const LOOK_MS = 100;
/** After this many looks the settings are written anew: a slot may be gone. */
const LOOKS_PER_ATTEMPT = 50;

/**
 * Resolves when this node may be promoted: the server answers and, where there is a master, streams from it and has
 * caught up with what the master had when it was asked.
 */
export async function runningNotReady(context: HookContext): Promise<string> {
  const { files, group, server, signal } = context;
  await waitUntilOpen(context);
  await logDelay(context);
  if (files.exists(standbyMark(context))) await giveHeadStart(context);
  // Without a master: until it has read all of its log, and so can tell how far it is.
  while (!group.master() && !(await isSettled(context))) await group.change(LOOK_MS, signal);

  const toldUnknown = { told: false };
  for (let looks = 1; ; looks += 1) {
    const master = group.master();
    if (!master || (await hasCaughtUp(context, master, toldUnknown))) break;
    if (looks % LOOKS_PER_ATTEMPT === 0) {
      if (looks === LOOKS_PER_ATTEMPT)
        context.log(`waiting to stream from ${master.name} (${master.address})`);
      if ((await followMaster(context, { again: true, toldUnknown })) === "written") server.reload();
    }
    await group.change(LOOK_MS, signal);
  }
  await dropSlots(context);
  await dropOwnLogicalSlots(context);
  return "";
}

/** A site may want a standby that is behind. It holds up more than that standby's readers. */
async function logDelay({ log, server }: HookContext): Promise<void> {
  const delay = await answerOf(server.value("SHOW recovery_min_apply_delay"));
  if (delay === undefined || delay === "0") return;
  log(
    `recovery_min_apply_delay is ${delay}: this node is not ready, and may receive nothing, until it has applied what the master has now. ` +
      "With synchronous_commit = remote_apply commits wait for it as long",
  );
}

async function isSettled({ server }: HookContext): Promise<boolean> {
  const rows = await answerOf(server.query(POSITION_SQL));
  return readPosition(rows?.[0])?.settled === true;
}

async function hasCaughtUp(
  context: HookContext,
  master: Master,
  toldUnknown: { told: boolean },
): Promise<boolean> {
  const { files, group, server } = context;
  const followed = await followMaster(context, { toldUnknown });
  if (followed === "written") server.reload();
  if (followed === "parted") {
    leaveMark(context, "parted");
    fail(
      `the data hold records that ${master.name} does not have: ending, so that the next start replaces them`,
    );
  }
  if (followed === "unknown") return false;
  const peer = context.peer(master.address);
  if (!(await streamsFrom(context, peer))) {
    const mark = await whyItCannotFollow(context, peer);
    if (!mark) return false;
    leaveMark(context, mark);
    fail(describeCannotFollow(mark, master.name));
  }
  const target = await answerOf(peer.value("SELECT pg_current_wal_flush_lsn()"));
  if (!target) return false;
  while (group.master()?.address === master.address && (await streamsFrom(context, peer))) {
    const reached = await answerOf(server.value(`SELECT pg_last_wal_replay_lsn() >= '${target}'::pg_lsn`));
    if (reached === "t") {
      forgetMark(context);
      files.remove(incompleteMark(context));
      return true;
    }
    await context.sleep(LOOK_MS);
  }
  return false;
}

/** Slots that other nodes once had here would keep the log for nobody. */
async function dropSlots({ server }: HookContext): Promise<void> {
  await answerOf(
    server.query(`SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots
      WHERE slot_name LIKE 'msdha\\_%' AND NOT active AND pg_is_in_recovery()`),
  );
}
