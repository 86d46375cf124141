import { withTimeout } from "@msdha/clock";
import { giveBackLock, type HandoverLease, prepareHandover } from "@msdha/group";
import { KillNotPermittedError } from "@msdha/guard";
import { describeEnding, type Ending } from "./ending.ts";
import type { Node } from "./node.ts";
import { runStateHook } from "./state-hook.ts";

/** How often what may not be killed is tried again, and logged. */
const ASK_AGAIN_MS = 60_000;

/**
 * Ends a node, in this order: node key deleted, everything gone, lock given back, lease revoked. Never rejects:
 * what fails on the way is logged, and costs at most the hand-over, which means that the next master waits.
 */
export async function stopNode(node: Node, ending: Ending): Promise<void> {
  const { clock, fence, lease, log, guard } = node;
  const lost = ending.kind === "lost" || guard.lost.aborted;
  if (lost) fence.close(clock.now());
  const dropped = node.changes.close();
  if (dropped > 0) log.warn({ dropped }, "dropped calls of node_state_change that had not begun");

  if (ending.kind === "planned") await runStopHook(node, "pre_stop");
  await attempt(node, "remove is_master", () => node.files.setMaster(false));
  const handover = lost ? undefined : attempt(node, "prepare the hand-over", () => prepare(node));
  if (!lost) await attempt(node, "delete the node key", () => leave(node));
  if (ending.kind === "planned" && node.waited) await drain(node);
  const gone = await removeEverything(node);
  const clean = gone && !lost && !lease.lost.aborted && (await runStopped(node));
  if (node.lock && !lease.lost.aborted) {
    await attempt(node, "give back the master lock", async () =>
      giveBack(node, clean ? await handover : undefined),
    );
  }
  await attempt(node, "revoke the lease", () => node.close());
  log.info(`ended: ${describeEnding(ending)}`);
}

/** Runs a hook of the stop for as long as a stop may take; resolves with whether it has done what it should. */
async function runStopHook(node: Node, hook: "pre_stop" | "stopped"): Promise<boolean> {
  if (!node.main) return true;
  const { clock, config, lease } = node;
  const ran = await attempt(node, `run ${hook}`, async () => {
    await withTimeout(clock, config.stopTimeoutMs, (signal) => runStateHook(node, hook, { signal }), {
      signal: lease.lost,
    });
    return true;
  });
  return ran === true;
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

/**
 * Lets connections that were on their way when the node key went become sessions: a client that was let in is not
 * to be told that the program is shutting down.
 */
async function drain({ clock, config, lease, main }: Node): Promise<void> {
  const { drainMs } = config;
  if (!main || drainMs === 0) return;
  const over = clock.sleep(drainMs, { signal: lease.lost }).catch(() => {});
  await Promise.race([over, main.exited.catch(() => {})]);
}

/** Resolves with whether the guard has seen the last process of this node go. */
async function removeEverything(node: Node): Promise<boolean> {
  const { main, guard, config, log } = node;
  if (main && !guard.lost.aborted) {
    const timeoutMs = config.stopTimeoutMs;
    const ended = await main.stop(config.stopSignal, { timeoutMs, signal: guard.lost });
    if (!ended) log.warn({ timeoutMs }, "the main process did not end in time and is killed");
  }
  // A call that has not got as far as its start would start it after everything was gone.
  node.changes.interrupt();
  return await killRest(node);
}

async function runStopped(node: Node): Promise<boolean> {
  const ran = await runStopHook(node, "stopped");
  return (await killRest(node)) && ran;
}

/**
 * Kills what is left. What may not be killed keeps the lock: the node waits for its end. What can't be killed (it hangs in the kernel, with its storage) does not hold the lock for ever:
 * after a TTL the node goes on without it, and hands over nothing.
 */
async function killRest(node: Node): Promise<boolean> {
  const { clock, guard, lease } = node;
  const killed = await attempt(node, "kill what is left", async () => {
    for (;;) {
      try {
        await withTimeout(clock, lease.ttlMs, () => guard.killAll());
        return true;
      } catch (error) {
        if (!(error instanceof KillNotPermittedError)) throw error;
        await Promise.race([guard.gone(), clock.sleep(ASK_AGAIN_MS)]);
      }
    }
  });
  return killed === true;
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
