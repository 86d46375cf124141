import { giveBackLock, type HandoverLease, prepareHandover } from "@msdha/group";
import { drain } from "./drain.ts";
import { endEverything } from "./end-everything.ts";
import { describeEnding, type Ending, endedByItself } from "./ending.ts";
import { killRest, type Rest } from "./kill-rest.ts";
import type { Node } from "./node.ts";
import { askForSuccessor } from "./overtaken.ts";
import { closeRunFiles, writeLastEnd, writeMaster } from "./run-file-writes.ts";
import { runPreStop, runStopped } from "./stop-hooks.ts";
import { type StopTime, shareStopTime, startPart } from "./stop-time.ts";

/**
 * Ends a node, in this order: node key deleted, everything gone, `stopped` hook, lock given back, lease revoked. Never
 * rejects: what fails on the way is logged, and costs at most the hand-over, which means that the next master waits.
 */
export async function stopNode(node: Node, ending: Ending): Promise<void> {
  const { clock, fence, lease, log, guard } = node;
  const lost = ending.kind === "lost" || guard.lost.aborted;
  if (lost) {
    fence.close(clock.now());
    void askForSuccessor(node);
  }
  const time = beginStop(node);
  dropCalls(node);

  if (ending.kind === "planned") await runPreStop(node, time);
  await attempt(node, "remove is_master", () => writeMaster(node, false));
  const handover = lost ? undefined : attempt(node, "prepare the hand-over", () => prepare(node));
  if (!lost) await attempt(node, "delete the node key", () => leave(node));
  if (ending.kind === "planned" && node.waited) await drain(node);
  const rest = await removeEverything(node, time);
  node.leaving = "gone";
  const clean = (await runStopped(node, ending, time, rest)) && rest.gone;
  const last = await killRest(node);
  const noted = writeLastEnd(node, {
    end: clean && last.gone ? "clean" : "unclean",
    state: node.membership.state,
  });
  if (node.lock && last.reached && !lease.lost.aborted) {
    const handsOver = !lost && node.waited && clean && last.gone && mayHandOver(node, ending, rest);
    await attempt(node, "give back the master lock", async () =>
      giveBack(node, handsOver ? await handover : undefined),
    );
  }
  await noted;
  await closeRunFiles(node);
  // What may not be killed may still write: the lock stays on its lease, which ends by itself.
  if (last.reached) await attempt(node, "revoke the lease", () => node.close());
  else node.unfollow();
  log.info(`ended: ${describeEnding(ending)}`);
}

function beginStop({ clock, config, fence, lease, cleans }: Node): StopTime {
  return shareStopTime({
    begun: clock.now(),
    totalMs: config.stopTimeoutMs,
    ttlMs: lease.ttlMs,
    keepForStopped: cleans,
    killAt: () => fence.killAt,
  });
}

function dropCalls({ changes, log }: Node): void {
  const dropped = changes.close();
  if (dropped > 0) log.warn({ dropped }, "dropped calls of node_state_change that had not begun");
}

async function prepare(node: Node): Promise<HandoverLease | undefined> {
  return node.lock && node.waited ? await prepareHandover(node.etcd, node) : undefined;
}

/** Frontends send no new sessions from here on. The lock, where it is held, stays and is still proven. */
async function leave(node: Node): Promise<void> {
  node.leaving = "key";
  if (!node.lock) node.lease.prove(undefined);
  await Promise.race([
    node.membership.leave(),
    node.clock.sleep(node.lease.ttlMs / 3).then(() => {
      throw new Error("etcd did not answer in time");
    }),
  ]);
}

/** Everything is asked to end, and what has not by its time is killed. */
async function removeEverything(node: Node, time: StopTime): Promise<Rest> {
  const { guard, log } = node;
  // A call that has not got as far as its start would start it after everything was gone.
  node.changes.interrupt();
  using part = startPart(node, () => time.programsEnd, [node.overtaken, node.haste, guard.lost]);
  await endEverything(node, part, () => time.programsEnd);
  if (part.over.aborted)
    log.warn({ err: part.over.reason }, "not everything ended in time: killing the rest");
  return await killRest(node);
}

/** Whether the next master may begin without a wait, by what this node's settings say of an end that was not its own. */
function mayHandOver({ config, log }: Node, ending: Ending, { killed }: Rest): boolean {
  if (killed === 0 && endedByItself(ending)) return true;
  if (config.handover === "clean") {
    log.warn({ killed }, "no hand-over, as not everything ended by itself (MSDHA_HANDOVER=clean)");
    return false;
  }
  log.warn({ killed }, "handing over although not everything ended by itself (MSDHA_HANDOVER=any)");
  return true;
}

async function giveBack(node: Node, handover: HandoverLease | undefined): Promise<void> {
  const { lock, log } = node;
  if (!lock) return;
  node.leaving = "lock";
  const ours = await giveBackLock(node.etcd, node.follower.view.keys, lock, {
    membership: node.membership,
    ttlSeconds: node.config.ttlSeconds,
    clock: node.clock,
    handover,
  });
  log.info({ token: lock.token, handedOver: ours && handover !== undefined }, "gave the master lock back");
}

async function attempt<T>({ log }: Node, what: string, act: () => Promise<T>): Promise<T | undefined> {
  try {
    return await act();
  } catch (error) {
    log.error({ err: error }, `could not ${what}`);
    return undefined;
  }
}
