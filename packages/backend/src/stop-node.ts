import type { HandoverLease } from "@msdha/etcd-lock";
import { drain } from "./drain.ts";
import { endEverything } from "./end-everything.ts";
import { describeEnding, type Ending, endedByItself } from "./ending.ts";
import { killRest, type Rest } from "./kill-rest.ts";
import type { Node } from "./node.ts";
import { askForSuccessor } from "./overtaken.ts";
import { endOfTerm } from "./own-term.ts";
import { heldLock, leaving, ownTerm, settledLock } from "./role.ts";
import { closeRunFiles, writeLastEnd, writeLastTerm, writeMaster } from "./run-file-writes.ts";
import { runPreStop, runStopped } from "./stop-hooks.ts";
import { type StopTime, shareStopTime, startPart } from "./stop-time.ts";

/** A stop that is under way. */
interface Stop {
  readonly ending: Ending;
  /** Whether lease, lock, node key or guard were lost when it began. */
  readonly lost: boolean;
  readonly time: StopTime;
  /** Resolves when the run folder says why this node's time as the master ended, or can't. */
  readonly termNoted: Promise<void>;
}

/**
 * Ends a node, in this order: node key deleted, everything gone, `stopped` hook, lock given back, lease revoked. Never
 * rejects: what fails on the way is logged, and costs at most the hand-over, which means that the next master waits.
 */
export async function stopNode(node: Node, ending: Ending): Promise<void> {
  const stop = beginStop(node, ending);
  if (ending.kind === "planned") await runPreStop(node, stop.time);
  await attempt(node, "remove is_master", () => writeMaster(node, false));
  const handover = stop.lost ? undefined : attempt(node, "prepare the hand-over", () => prepare(node));
  if (!stop.lost) await attempt(node, "delete the node key", () => deleteNodeKey(node, ending));
  if (ending.kind === "planned" && settledLock(node.role)) await drain(node);
  const rest = await removeEverything(node, stop.time);
  node.become(leaving(node.role, "programs"));
  const clean = (await runStopped(node, ending, stop.time, rest)) && rest.gone;
  const last = await killRest(node);
  const noted = Promise.all([
    stop.termNoted,
    writeLastEnd(node, {
      end: clean && last.gone ? "clean" : "unclean",
      state: node.membership.state,
    }),
  ]);
  if (last.reached && !node.lease.lost.aborted) {
    const note = clean && last.gone && mayHandOver(node, stop, rest) ? await handover : undefined;
    await attempt(node, "give back the master lock", () => giveBack(node, note, ending));
  }
  await noted;
  await closeRunFiles(node);
  // What may not be killed may still write: the lock stays on its lease, which ends by itself.
  if (last.reached) await attempt(node, "revoke the lease", () => node.close());
  else node.unfollow();
  node.log.info(`ended: ${describeEnding(ending)}`);
}

function beginStop(node: Node, ending: Ending): Stop {
  const { changes, clock, config, end, fence, lease, log, present } = node;
  const lost = end.loss.aborted;
  if (lost) void askForSuccessor(node);
  const dropped = changes.close();
  if (dropped > 0) log.warn({ dropped }, "dropped calls of node_state_change that had not begun");
  const time = shareStopTime({
    begun: clock.now(),
    totalMs: config.stopTimeoutMs,
    ttlMs: lease.ttlMs,
    keepForStopped: present.stopped,
    killAt: () => fence.killAt,
  });
  const term = ownTerm(node.role);
  const termNoted = term
    ? writeLastTerm(node, { token: term.token, run: term.run, end: endOfTerm(node, ending) })
    : Promise.resolve();
  return { ending, lost, time, termNoted };
}

/** Gets the lease of the hand-over while the program stops, where there will be one. */
async function prepare(node: Node): Promise<HandoverLease | undefined> {
  return await settledLock(node.role)?.prepareHandover();
}

/** Frontends send no new sessions from here on. The lock, where it is held, stays and is still proven. */
async function deleteNodeKey(node: Node, ending: Ending): Promise<void> {
  const ask = ending.kind === "planned" ? ending.ask : undefined;
  node.become(leaving(node.role, "key"));
  await Promise.race([
    node.membership.leave(ask?.kind === "restart" ? { ask } : {}),
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
  using part = startPart(node, () => time.programsEnd, [node.succession.overtaken, node.haste, guard.lost]);
  await endEverything(node, part, () => time.programsEnd);
  if (part.over.aborted)
    log.warn({ err: part.over.reason }, "not everything ended in time: killing the rest");
  return await killRest(node);
}

/**
 * Whether the next master may begin without a wait: after a node that had settled and lost nothing, and by what its
 * settings say of an end that was not its own.
 */
function mayHandOver({ config, log, role }: Node, { ending, lost }: Stop, { killed }: Rest): boolean {
  if (lost || !settledLock(role)) return false;
  if (killed === 0 && endedByItself(ending)) return true;
  if (config.handover === "clean") {
    log.warn({ killed }, "no hand-over, as not everything ended by itself (MSDHA_HANDOVER=clean)");
    return false;
  }
  log.warn({ killed }, "handing over although not everything ended by itself (MSDHA_HANDOVER=any)");
  return true;
}

async function giveBack(node: Node, handover: HandoverLease | undefined, ending: Ending): Promise<void> {
  const lead = heldLock(node.role);
  if (!lead) return;
  node.become(leaving(node.role, "lock"));
  const term = ownTerm(node.role);
  const ask = ending.kind === "planned" ? ending.ask : undefined;
  const ours = await lead.giveBack({
    handover,
    for: ask?.to,
    term: term && { ...term, end: endOfTerm(node, ending) },
    // A request for new data stays until the next run has found it.
    ask: ask?.kind === "reinit" ? undefined : ask,
  });
  node.log.info(
    { token: lead.token, handedOver: ours && handover !== undefined },
    "gave the master lock back",
  );
}

async function attempt<T>({ log }: Node, what: string, act: () => Promise<T>): Promise<T | undefined> {
  try {
    return await act();
  } catch (error) {
    log.error({ err: error }, `could not ${what}`);
    return undefined;
  }
}
