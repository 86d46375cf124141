import { hasCode } from "@msdha/app";
import type { Clock } from "@msdha/clock";
import type { NodeChange } from "@msdha/group";
import {
  createHookQueue,
  type HookFailedError,
  type HookNotRunnableError,
  type HookRunner,
} from "@msdha/hook-runner";
import type { Log } from "@msdha/log";
import type { BackendConfig } from "./config.ts";

/** The runs of the `node_state_change` hook: one at a time, in etcd's order, none skipped. */
export interface NodeStateChanges {
  push(change: NodeChange): void;
  /** Drops the calls that have not begun and returns their count; the running one goes on. */
  close(): number;
  /** Ends the running call; one whose hook was still being looked for is not started any more. For use after `close`. */
  interrupt(): void;
  /** Resolves when no call is running and none is waiting. */
  idle(): Promise<void>;
  /** How many runs have failed. */
  readonly failures: number;
  /** How many calls have not begun. */
  readonly waiting: number;
}

/** How soon a call is run again that did not start, or that failed where it is to be run again. */
const AGAIN_MS = 1_000;

/**
 * Returns the queue of calls. A call whose hook can't be started is tried again every second, and the later ones wait for
 * it. What a run that failed does is MSDHA_NODE_STATE_CHANGE_FAILURE: `log` goes on with the next call, `retry` runs
 * the same one again every second, `stop` ends the node, also when the hook can't be started.
 */

export function createNodeStateChanges(
  { hookTimeoutMs, nodeStateChangeFailure }: Pick<BackendConfig, "hookTimeoutMs" | "nodeStateChangeFailure">,
  hooks: HookRunner,
  {
    clock,
    log,
    environment,
    onFailure,
  }: {
    readonly clock: Clock;
    readonly log: Log;
    readonly environment: () => Readonly<Record<string, string>>;
    /** Called for a failure that has to end the node. */
    readonly onFailure: (error: unknown) => void;
  },
): NodeStateChanges {
  let failures = 0;
  let closed = false;

  async function runOnce({ action, node, state }: NodeChange, signal: AbortSignal): Promise<void> {
    await hooks.run("node_state_change", {
      args: [action, node, state],
      env: environment(),
      timeoutMs: hookTimeoutMs,
      signal,
    });
  }

  /** Whether this call is to be run again; counts and logs what happened otherwise than before. */
  function isRunAgain(error: unknown, change: NodeChange, before: unknown): boolean {
    if (closed || nodeStateChangeFailure === "stop") return false;
    if (hasCode<HookNotRunnableError>(error, "ERR_HOOK_NOT_RUNNABLE")) {
      if (describe(error) !== describe(before)) {
        log.error({ err: error, ...change }, "node_state_change did not start; trying again until it does");
      }
      return true;
    }
    if (nodeStateChangeFailure !== "retry" || !hasCode<HookFailedError>(error, "ERR_HOOK_FAILED"))
      return false;
    failures += 1;
    if (describe(error) !== describe(before)) {
      log.error(
        { err: error, ...change, failures },
        "node_state_change failed; running it again until it succeeds",
      );
    }
    return true;
  }

  const queue = createHookQueue<NodeChange>({
    async run(change, signal) {
      for (let before: unknown; ; ) {
        try {
          await runOnce(change, signal);
          return;
        } catch (error) {
          if (!isRunAgain(error, change, before)) throw error;
          before = error;
        }
        await clock.sleep(AGAIN_MS, { signal });
      }
    },
    onError(error, change) {
      if (closed) {
        log.warn({ ...change }, "node_state_change did not end before the node did");
        return;
      }
      failures += 1;
      log.error({ err: error, ...change, failures }, "node_state_change failed");
      if (nodeStateChangeFailure === "stop") onFailure(error);
    },
  });
  return {
    push: (change) => queue.push(change),
    close() {
      closed = true;
      return queue.close();
    },
    interrupt: () => queue.interrupt(new Error("the node ends")),
    idle: () => queue.idle(),
    get failures() {
      return failures;
    },
    get waiting() {
      return queue.waiting;
    },
  };
}

function describe(error: unknown): string | undefined {
  return error instanceof Error ? error.message : undefined;
}
