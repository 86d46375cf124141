import type { NodeChange } from "@msdha/group";
import { createHookQueue, type HookRunner } from "@msdha/hook-runner";
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
  /** How many calls have failed. */
  readonly failures: number;
}

export function createNodeStateChanges(
  { hookTimeoutMs, nodeStateChangeFailure }: Pick<BackendConfig, "hookTimeoutMs" | "nodeStateChangeFailure">,
  hooks: HookRunner,
  {
    log,
    environment,
    onFailure,
  }: {
    readonly log: Log;
    readonly environment: () => Readonly<Record<string, string>>;
    /** Told of a failure that is to end the node. */
    readonly onFailure: (error: unknown) => void;
  },
): NodeStateChanges {
  let failures = 0;
  let closed = false;
  const queue = createHookQueue<NodeChange>({
    async run({ action, node, state }, signal) {
      await hooks.run("node_state_change", {
        args: [action, node, state],
        env: environment(),
        timeoutMs: hookTimeoutMs,
        signal,
      });
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
  };
}
