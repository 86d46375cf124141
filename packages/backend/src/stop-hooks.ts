import { describeEnding, type Ending } from "./ending.ts";
import type { StateHook } from "./hooks.ts";
import type { Rest } from "./kill-rest.ts";
import type { Node } from "./node.ts";
import { runStateHook } from "./state-hook.ts";
import { type StopPart, type StopTime, startPart, within } from "./stop-time.ts";

/** Runs `pre_stop` while the node still is what it was. One that takes too long gets SIGTERM, and the stop goes on. */
export async function runPreStop(node: Node, time: StopTime): Promise<void> {
  if (!node.main) return;
  using part = startPart(node, () => time.preStopEnd, [
    node.lease.lost,
    node.succession.overtaken,
    node.haste,
  ]);
  if (await hasPreStop(node, part)) await runBounded(node, "pre_stop", part.over, {});
}

/** Resolves with false also where the time is over before the folder could be looked at: what is not there does not fail. */
async function hasPreStop({ hooks, present }: Node, part: StopPart): Promise<boolean> {
  let isThere = present.pre_stop;
  const look = async (): Promise<void> => {
    isThere = await hooks.find("pre_stop").then(
      (file) => file !== undefined,
      () => true,
    );
  };
  if (!isThere) await within(part, look());
  return isThere;
}

/**
 * Runs `stopped`, the hook that cleans up, when nothing else of the node is alive: whatever the ending was, to its end
 * or to the end of the stop, which is before the guard's kill time. Resolves with whether it did what it should; a
 * node without that hook has nothing to clean up. It is not run beside a master that is known to be there.
 */
export async function runStopped(node: Node, ending: Ending, time: StopTime, rest: Rest): Promise<boolean> {
  const { guard, log, succession } = node;
  const { succeeded } = succession;
  if (!node.present.stopped) return true;
  const obstacle = findObstacle(node, rest);
  if (obstacle !== undefined) {
    log.error(
      { err: obstacle },
      "the stopped hook could not run; the next run's pre_start sees MSDHA_FORMER_END=unclean",
    );
    return false;
  }
  using part = startPart(node, () => time.end, [guard.lost, succeeded]);
  const env = { MSDHA_END: ending.kind, MSDHA_END_REASON: describeEnding(ending) };
  return await runBounded(node, "stopped", part.over, env);
}

function findObstacle({ guard, succession }: Node, { gone }: Rest): unknown {
  const { succeeded } = succession;
  if (succeeded.aborted) return succeeded.reason;
  if (guard.lost.aborted) return guard.lost.reason;
  return gone ? undefined : new Error("something of this node is not gone");
}

async function runBounded(
  node: Node,
  hook: StateHook,
  signal: AbortSignal,
  env: Readonly<Record<string, string>>,
): Promise<boolean> {
  try {
    // The hook's folder may be on a disk that hangs, where its file is not even found.
    await Promise.race([runStateHook(node, hook, { signal, env }), rejection(signal)]);
    return true;
  } catch (error) {
    node.log.error({ err: error }, `could not run ${hook} to its end`);
    return false;
  }
}

function rejection(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason);
    else signal.addEventListener("abort", () => reject(signal.reason), { once: true });
  });
}
