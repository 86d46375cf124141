import type { HookContext } from "./context.ts";
import { fail } from "./failure.ts";
import { askHistory } from "./history.ts";
import { noteSlot } from "./slot-note.ts";
import { followedAddress, writeStandbySettings } from "./standby-settings.ts";

/**
 * `written`: the settings name the master now, and want a reload. `unchanged`: there was no need. `parted`: this node
 * must not follow that master, it would write the log of another history over its own. `unknown`: the master does not
 * say whether it is so; this node follows nobody, and has to ask again.
 */
export type Followed = "written" | "unchanged" | "parted" | "unknown";

/** Remembers what one run of a hook has logged already. */
export interface FollowOptions {
  /** Ask and write also where the settings name this master already. */
  readonly again?: boolean;
  readonly toldUnknown?: { told: boolean };
}

/**
 * Has this standby follow the master of this moment. What the settings say stays while there is no master, so that a
 * stopping one can still send its last records.
 */
export async function followMaster(
  context: HookContext,
  { again = false, toldUnknown = { told: false } }: FollowOptions = {},
): Promise<Followed> {
  return await context.following.take(async () => {
    let result: Followed = "unchanged";
    for (let repeat = again; ; repeat = false) {
      const master = context.group.master();
      if (!master || (!repeat && followedAddress(context) === master.address)) return result;
      const { kinship, slot, whyNoSlot, why } = await askHistory(context, context.peer(master.address), {
        reserve: true,
      });
      if (kinship === "twin" || kinship === "parted") return "parted";
      if (kinship === "unknown") {
        if (followedAddress(context) === master.address) return "unchanged";
        if (!toldUnknown.told) {
          context.log(
            `following nobody until ${master.name} (${master.address}) tells of its history: ${why}`,
          );
        }
        toldUnknown.told = true;
        followNobody(context);
        return "unknown";
      }
      noteSlot(context, master.address, { slot, why: whyNoSlot });
      writeStandbySettings(context, { address: master.address, slot });
      result = "written";
    }
  });
}

/**
 * Has this standby receive nothing more from the master that it followed, so that a master that only seems to be gone
 * can't have a commit acknowledged here any more. Rejects where there is a master.
 */
export async function letGo(context: HookContext): Promise<void> {
  await context.following.take(async () => {
    await Promise.resolve();
    if (context.group.master()) fail("there is a master");
    followNobody(context);
  });
}

/** Stops following, and forgets why this node may be promoted: that held only while it followed no server. */
function followNobody(context: HookContext): void {
  if (followedAddress(context) === "") return;
  context.files.remove(eligibilityFile(context));
  writeStandbySettings(context, undefined);
  context.server.reload();
}

/** What a candidate has found out, for its next run and for the `master` hook. */
export function eligibilityFile({ settings }: Pick<HookContext, "settings">): string {
  return `${settings.home}/eligibility`;
}
