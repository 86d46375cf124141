import type { GroupNode } from "./backend-command.ts";
import type { HookContext } from "./context.ts";
import { messageOf } from "./failure.ts";
import { describeLag, readMasterPosition } from "./little-lag.ts";
import type { MasterPosition } from "./master-position.ts";
import { memberOf } from "./names.ts";

const LOOK_MS = 2_000;

/**
 * Where a whole group starts again, the node that was its master has the most, and may need minutes to recover. Gives it a
 * TTL's head start, and more where commits did not wait for a standby: as long as its node is there and not ready yet, up to
 * MSDHA_PG_MASTER_WAIT. Resolves at once when there is a master.
 */
export async function giveHeadStart(context: HookContext): Promise<void> {
  const { clock, group, settings, signal } = context;
  const began = clock.now();
  const passed = (): number => clock.now() - began;
  while (!group.master() && passed() < settings.ttlMs) await group.change(settings.ttlMs - passed(), signal);
  let waitedFor: { readonly former: MasterPosition; readonly node: GroupNode } | undefined;
  using activity = context.activity.begin("");
  while (!group.master() && passed() < settings.masterWaitMs) {
    const found = await findFormerMaster(context);
    if (!found) return;
    const { former, node } = found;
    if (!waitedFor) {
      context.log(
        `waiting for ${node.name}, which was the master and is ${node.state} (MSDHA_PG_MASTER_WAIT): ` +
          (await describeLag(context, former)),
      );
      activity.update(`waiting for ${node.name}, which was the master`);
    }
    waitedFor = found;
    await group.change(LOOK_MS, signal);
  }
  if (!waitedFor || group.master()) return;
  const { former, node } = waitedFor;
  context.log(
    `${node.name}, which was the master, is not ready after ${Math.round(passed() / 1_000)} s (MSDHA_PG_MASTER_WAIT): ` +
      `going on without it. ${await describeLag(context, former)}`,
  );
}

/** Resolves with the node that was the master, if it starts, and may have commits that no other node has. */
async function findFormerMaster(
  context: HookContext,
): Promise<{ readonly former: MasterPosition; readonly node: GroupNode } | undefined> {
  const { member, settings, store } = context;
  try {
    // Commits waited for a standby: who may be promoted lacks none.
    if (settings.sync !== "off" && (await store.record.read()).kind === "sync") return undefined;
    const former = await readMasterPosition(context);
    if (!former || former.master === member) return undefined;
    const node = (await store.nodes()).find(({ name }) => memberOf(name) === former.master);
    return node && node.state !== "ready" && node.state !== "master" ? { former, node } : undefined;
  } catch (error) {
    context.signal.throwIfAborted();
    context.log(`the former master is not waited for: ${messageOf(error)}`);
    return undefined;
  }
}
