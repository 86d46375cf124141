import { HookNotRunnableError } from "@msdha/hook-runner";
import { watchLiveness } from "./alive.ts";
import { becomeMaster } from "./become-master.ts";
import type { BackendConfig } from "./config.ts";
import { describeEnding, type Ending, endingOf } from "./ending.ts";
import { formerEndEnvironment } from "./former-end.ts";
import { hookEnvironment } from "./hook-context.ts";
import { startMainProcess } from "./main-process.ts";
import { type BackendPorts, type Node, openNode } from "./node.ts";
import { writeLastEnd } from "./run-file-writes.ts";
import { runStateHook } from "./state-hook.ts";
import { stopNode } from "./stop-node.ts";

/**
 * Runs one node from its joining the group to its end: `pre_start`, `start`, `running_not_ready`, `ready`, `master`.
 * Resolves with why it ended, when nothing of it is left. `stop` asks it to end in peace.
 */
export async function runBackend(
  config: BackendConfig,
  ports: BackendPorts,
  {
    stop,
    haste = new AbortController().signal,
    onNode = () => {},
  }: {
    readonly stop: AbortSignal;
    /** Kills what a stop still waits for. */
    readonly haste?: AbortSignal;
    readonly onNode?: (node: Node) => void;
  },
): Promise<Ending> {
  let node: Node;
  try {
    await refuseBrokenHooks(ports);
    node = await openNode(config, ports, { stop, haste });
  } catch (error) {
    return endingOf(error);
  }
  onNode(node);
  try {
    node.log.info({ node: config.name, group: config.group, lease: node.lease.id }, "joined the group");
    await prepareStart(node);
    await enterState(node, "start");
    await startMain(node);
    await enterState(node, "running_not_ready");
    watchLiveness(node);
    await runStateHook(node, "running_not_ready");
    await enterState(node, "ready");
    await runStateHook(node, "ready");
    await becomeMaster(node);
    await untilEnded(node);
  } catch (error) {
    node.end(endingOf(error));
  }
  const ending = endingOf(node.ended.reason);
  node.log[ending.kind === "planned" ? "info" : "error"](`ending: ${describeEnding(ending)}`);
  await stopNode(node, ending);
  return ending;
}

/** A former run that left without its `stopped` hook stays known until `pre_start` has had its chance to clean up. */
async function prepareStart(node: Node): Promise<void> {
  const { formerEnd } = node.files;
  if (formerEnd?.end !== "unclean") await writeLastEnd(node, { end: "unclean", state: "pre_start" });
  await runStateHook(node, "pre_start", { env: formerEndEnvironment(formerEnd) });
  if (formerEnd?.end === "unclean") await writeLastEnd(node, { end: "unclean", state: "pre_start" });
}

const HOOKS = [
  "pre_start",
  "running_not_ready",
  "ready",
  "candidate",
  "master",
  "node_state_change",
  "alive",
  "pre_stop",
  "stopped",
] as const;

/** Rejects if a hook can't be run: at the start, and not in the middle of a failover. */
async function refuseBrokenHooks({ hooks }: BackendPorts): Promise<void> {
  for (const hook of HOOKS) await hooks.find(hook);
  await findStart({ hooks });
}

async function findStart({ hooks }: Pick<BackendPorts, "hooks">): Promise<string> {
  const file = await hooks.find("start");
  if (file === undefined)
    throw new HookNotRunnableError("start", "start", "there is none, and it is required");
  return file;
}

async function enterState(node: Node, state: "start" | "running_not_ready" | "ready"): Promise<void> {
  await node.membership.enter(state, { signal: node.ended });
  node.log.info({ state }, "entered a state");
}

async function startMain(node: Node): Promise<void> {
  node.ended.throwIfAborted();
  const env = hookEnvironment(node.baseEnvironment, {
    hook: "start",
    state: "start",
    view: node.follower.view,
  });
  const main = await startMainProcess(node.guard, await findStart(node), {
    env,
    clock: node.clock,
    signal: node.ended,
  });
  node.main = main;
  node.log.info({ pid: main.pid }, "the main process has started");
  node.permission.check();
  main.exited.then(
    (exit) => node.end({ kind: "main-exit", exit }),
    (error: unknown) => node.end(endingOf(error)),
  );
}

async function untilEnded({ ended }: Node): Promise<never> {
  return await new Promise((_, reject) => {
    if (ended.aborted) reject(ended.reason);
    else ended.addEventListener("abort", () => reject(ended.reason), { once: true });
  });
}
