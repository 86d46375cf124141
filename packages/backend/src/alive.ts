import { hasCode } from "@msdha/app";
import type { HookFailedError, HookNotRunnableError } from "@msdha/hook-runner";

import { hookEnvironment } from "./hook-context.ts";
import type { Node } from "./node.ts";
import { settledLock } from "./role.ts";

/**
 * Runs the `alive` hook every MSDHA_ALIVE_INTERVAL until the node ends, if there is one. Ends the node, as a failed hook
 * does, when MSDHA_ALIVE_FAILURES runs in a row have failed or taken longer than MSDHA_ALIVE_TIMEOUT. Returns at once.
 */
export function watchLiveness(node: Node): void {
  void watch(node).catch((error: unknown) => {
    if (!node.end.begun.aborted) node.end.because({ kind: "failed", error });
  });
}

async function watch(node: Node): Promise<void> {
  const { clock, config, end, hooks, liveness, log } = node;
  if ((await hooks.find("alive")) === undefined) return;
  liveness.note({ failures: 0, failure: undefined });
  for (let failures = 0; failures < config.aliveFailures; ) {
    const began = clock.now();
    const error = await askAlive(node);
    if (!error && failures > 0) log.info({ failures }, "the program is alive again");
    failures = error ? failures + 1 : 0;
    liveness.note({ failures, failure: error?.message });
    if (error) {
      const { aliveFailures } = config;
      log.warn({ err: error, failures, aliveFailures }, "the program does not seem to be alive");
      if (failures === aliveFailures) end.because({ kind: "failed", error });
    }
    await clock.sleep(Math.max(began + config.aliveIntervalMs - clock.now(), 0), { signal: end.begun });
  }
}

/** Resolves with why the program does not seem to be alive, or with undefined. */
async function askAlive(node: Node): Promise<Error | undefined> {
  const { config, end, follower, hooks, membership, role } = node;
  const env = hookEnvironment(node.baseEnvironment, {
    hook: "alive",
    state: membership.state,
    view: follower.view,
    fencingToken: settledLock(role)?.token,
  });
  try {
    await hooks.run("alive", { env, timeoutMs: config.aliveTimeoutMs, signal: end.begun });
    return undefined;
  } catch (error) {
    if (hasCode<HookFailedError>(error, "ERR_HOOK_FAILED")) return error;
    if (hasCode<HookNotRunnableError>(error, "ERR_HOOK_NOT_RUNNABLE")) return error;
    throw error;
  }
}
