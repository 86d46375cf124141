import { openCandidate } from "../acknowledged.ts";
import { askCandidate } from "../candidacy.ts";
import type { HookContext } from "../context.ts";
import { fail } from "../failure.ts";
import { readMasterPosition, requireLittleLag } from "../little-lag.ts";
import { answerOf } from "../local-server.ts";
import { ownPosition } from "../own-position.ts";
import { rankOf } from "../position.ts";
import { markFile, readMark } from "../rejoin-mark.ts";
import { incompleteMark } from "../standby-settings.ts";

/** Records are 24 bytes or longer, three steps of a rank: a priority decides only between nodes that have as much. */
const BONUS = { low: -1n, normal: 0n, high: 1n };

/**
 * Resolves with this node's rank if it may be the master. Asked in each election, when the former master is gone, and by a
 * master whose time is over. Under an operator's order (`MSDHA_ACCEPT_LOSS`) the node may lack commits that others may have;
 * data that were parted from the group's history stay refused.
 */
export async function candidate(context: HookContext): Promise<string> {
  const { files, settings } = context;
  if (settings.priority === "never") fail("MSDHA_PG_PRIORITY is never: this node is not to be the master");
  const mark = readMark(context);
  const acceptLoss = context.env["MSDHA_ACCEPT_LOSS"] === "1";
  // What lacks log only is behind, and the positions tell.
  if (mark !== undefined && mark !== "missed") {
    fail(`the data hold records that the group's history does not have (${markFile(context)} says so)`);
  }
  if (files.exists(incompleteMark(context)) && !settings.archivePromote && !acceptLoss) {
    fail(
      "the data are from the archive and may lack what was acknowledged (MSDHA_PG_ARCHIVE_PROMOTE=yes promotes them)",
    );
  }
  // A master whose time is over (MSDHA_MASTER_TTL) asks who could follow it, and is followed as long as it runs. The file
  // current_master may be older than the question.
  const askedByMaster = (context.env["MSDHA_MASTER"] ?? "") !== "";
  const comparesLag = settings.sync === "off" || askedByMaster;
  // Read from etcd while the server answers.
  const former = comparesLag ? readMasterPosition(context) : undefined;
  former?.catch(() => {});
  const paused = await answerOf(
    context.server.value("SELECT pg_is_in_recovery() AND pg_is_wal_replay_paused()"),
  );
  if (paused === "t") {
    fail("the replay of the log is paused (by pg_wal_replay_pause, or a setting lower than the master's)");
  }
  if (comparesLag) {
    const own = await ownPosition(context);
    await requireLittleLag(context, own, { acceptLoss, former });
    // What a master has that others still get is no loss.
    if (askedByMaster) context.formerMaster.position = undefined;
    return `${rankOf(own) + BONUS[settings.priority]}\n`;
  }
  const { rank } = await askCandidate(openCandidate(context), context.store.record, { acceptLoss });
  if (acceptLoss) context.formerMaster.position = await readMasterPosition(context);
  return `${BigInt(rank) + BONUS[settings.priority]}\n`;
}
