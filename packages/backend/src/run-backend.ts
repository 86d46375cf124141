import { describeError } from "@msdha/app";
import { watchLiveness } from "./alive.ts";
import { becomeMaster } from "./become-master.ts";
import type { BackendConfig } from "./config.ts";
import { describeEnding, type Ending, endingOf } from "./ending.ts";
import { followAsks } from "./follow-asks.ts";
import { formerEndEnvironment } from "./former-end.ts";
import { recordFormerTerm } from "./former-term.ts";
import { hookEnvironment } from "./hook-context.ts";
import { findStart } from "./hooks.ts";
import type { BackendPorts, Node } from "./node.ts";
import { type NodeEnd, onAbort } from "./node-end.ts";
import { openNode } from "./open-node.ts";
import { concludeReinit, findReinit } from "./reinit.ts";
import { followReport } from "./report.ts";
import { LONGEST_FIRST_WRITE_MS, writeLastEnd } from "./run-file-writes.ts";
import { runStateHook } from "./state-hook.ts";
import { stopNode } from "./stop-node.ts";

export interface RunOptions {
  /** Ends the node, and says in the end why it did. */
  readonly end: NodeEnd;
  /** Kills what a stop still waits for. */
  readonly haste: AbortSignal;
  readonly onNode: (node: Node) => void;
}

/**
 * Runs one node from its joining the group to its end: `pre_start`, `start`, `running_not_ready`, `ready`, `master`.
 * Resolves with why it ended, when nothing of it is left. Rejects with why it could not join.
 */
export async function runBackend(
  config: BackendConfig,
  ports: BackendPorts,
  { end, haste, onNode }: RunOptions,
): Promise<Ending> {
  const node = await openNode(config, ports, { end, haste });
  onNode(node);
  node.log.info({ node: config.name, group: config.group, lease: node.lease.id }, "joined the group");
  followAsks(node);
  followReport(node);
  void recordFormerTerm(node);
  await live(node).catch((error: unknown) => end.because(endingOf(error)));
  const ending = await endOf(node);
  node.log[ending.kind === "planned" ? "info" : "error"](
    causeOf(ending),
    `ending: ${describeEnding(ending)}`,
  );
  await stopNode(node, ending);
  return ending;
}

/** What etcd said last to a node whose lease is lost, for the log. */
function causeOf(ending: Ending): { readonly cause?: string } {
  const cause = ending.kind === "lost" ? ending.error.cause : undefined;
  return cause === undefined ? {} : { cause: describeError(cause) };
}

/** Goes through the states of a node, up to the master. Rejects when the node ends before. */
async function live(node: Node): Promise<void> {
  await prepareStart(node);
  await enterState(node, "start");
  await startMain(node);
  await enterState(node, "running_not_ready");
  watchLiveness(node);
  await runStateHook(node, "running_not_ready");
  await enterState(node, "ready");
  await runStateHook(node, "ready");
  await becomeMaster(node);
}

/**
 * A former run that left without its `stopped` hook stays known until `pre_start` has had its chance to clean up. What a
 * clean run has left in the file would be said of this one if it were killed, so nothing runs before that is replaced.
 */
async function prepareStart(node: Node): Promise<void> {
  const { formerEnd } = node.files;
  const unclean = { end: "unclean", state: "pre_start" } as const;
  if (formerEnd?.end !== "unclean" && !(await writeLastEnd(node, unclean, LONGEST_FIRST_WRITE_MS))) {
    throw new Error("MSDHA_RUN_DIR: last_end must be written before anything is started, and was not");
  }
  const reinit = findReinit(node);
  const env = { ...formerEndEnvironment(formerEnd), MSDHA_REINIT: reinit ? "1" : "" };
  await runStateHook(node, "pre_start", { env });
  if (reinit) await concludeReinit(node, reinit);
  if (formerEnd?.end === "unclean") await writeLastEnd(node, unclean);
}

async function enterState(node: Node, state: "start" | "running_not_ready" | "ready"): Promise<void> {
  await node.membership.enter(state, { signal: node.end.begun });
  node.log.info({ state }, "entered a state");
}

async function startMain(node: Node): Promise<void> {
  const { clock, end, guard, hooks, log, permission } = node;
  end.begun.throwIfAborted();
  const env = hookEnvironment(node.baseEnvironment, {
    hook: "start",
    state: "start",
    view: node.follower.view,
  });
  const main = await node.mainProcess.start(guard, await findStart(hooks, node.config.hooksDir), {
    env,
    clock,
    signal: end.begun,
  });
  log.info({ pid: main.pid }, "the main process has started");
  permission.check();
  main.exited.then(
    (exit) => end.because({ kind: "main-exit", exit }),
    (error: unknown) => end.because(endingOf(error)),
  );
}

async function endOf({ end }: Node): Promise<Ending> {
  return await new Promise((resolve) => {
    onAbort(end.begun, () => {
      if (end.ending) resolve(end.ending);
    });
  });
}
