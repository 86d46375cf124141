import type { HookContext } from "../context.ts";
import type { Master } from "../current-master.ts";
import { type Followed, followMaster } from "../follow.ts";
import { describeCannotFollow, streamsFrom, whyItCannotFollow } from "../parted.ts";
import { forgetMark, leaveMark } from "../rejoin-mark.ts";
import { followedAddress, settingsFile } from "../standby-settings.ts";

const LONGEST_NEWS_MS = 1_000;
const PAUSE_MS = 300;
const LOOK_MS = 200;
const LONGEST_LOOK_MS = 10_000;

/**
 * Follows the master, whatever changed: new settings and a reload, no restart. A standby that can't follow ends, so that
 * its next start rewinds the data.
 */
export async function nodeStateChange(context: HookContext): Promise<string> {
  const { args, clock, env, files, group, server, settings, signal } = context;
  context.nodeChanges.count += 1;
  // Until pre_start has looked at them, the data may be another cluster's.
  if (env["MSDHA_STATE"] === "pre_start" || group.isMaster()) return "";
  if (!files.exists(settingsFile(context))) return "";
  const [, node, state] = args;
  // The file that names the master may be a moment behind the news.
  const until = clock.now() + LONGEST_NEWS_MS;
  while (state === "master" && node !== settings.name && !group.master() && clock.now() < until) {
    await group.change(until - clock.now(), signal);
  }
  const toldUnknown = { told: false };
  let followed = await followMaster(context, { toldUnknown });
  // Nobody else would ask again.
  while (followed === "unknown" && group.master() && !group.isMaster()) {
    await context.sleep(PAUSE_MS);
    followed = await followMaster(context, { toldUnknown });
  }
  if (followed === "unchanged" || followed === "unknown") return "";
  if (followed === "written") {
    server.reload();
    // A new master has better things to do in its first moments than to answer questions.
    await context.sleep(PAUSE_MS);
  }
  await watchBeginning(context, followed);
  return "";
}

/** Ten seconds at most, and no longer than this master is the master: other changes wait behind this one. */
async function watchBeginning(context: HookContext, followed: Followed): Promise<void> {
  const { clock, group } = context;
  const until = clock.now() + LONGEST_LOOK_MS;
  while (clock.now() < until) {
    const master = group.master();
    if (!master || group.isMaster()) return;
    if (followed !== "parted" && followedAddress(context) !== master.address) return;
    if (await settle(context, master, followed)) return;
    await context.sleep(LOOK_MS);
  }
}

/** Resolves with whether it is clear: this node streams, or it has been told to end. */
async function settle(context: HookContext, master: Master, followed: Followed): Promise<boolean> {
  const { group, server } = context;
  const peer = context.peer(master.address);
  if (await streamsFrom(context, peer)) {
    forgetMark(context);
    return true;
  }
  const mark = followed === "parted" ? "parted" : await whyItCannotFollow(context, peer);
  if (!mark || !group.master()) return false;
  leaveMark(context, mark);
  context.log(describeCannotFollow(mark, master.name));
  server.stop();
  return true;
}
