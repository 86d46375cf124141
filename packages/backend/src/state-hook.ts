import { hookEnvironment } from "./hook-context.ts";
import { refuseGone, type StateHook } from "./hooks.ts";
import { warnOfLongHook } from "./long-hook.ts";
import type { Node } from "./node.ts";
import { settledLock } from "./role.ts";

/**
 * Runs a hook of the node's state to its end, or until `signal` aborts (default: when the node ends). Rejects
 * with a `HookFailedError`, a `HookNotRunnableError`, or the reason of the signal.
 */
export async function runStateHook(
  node: Node,
  hook: StateHook,
  {
    signal = node.end.begun,
    env: more = {},
  }: { readonly signal?: AbortSignal; readonly env?: Readonly<Record<string, string>> } = {},
): Promise<void> {
  const { hooks, config, follower, membership, log, role } = node;
  const env = hookEnvironment(node.baseEnvironment, {
    hook,
    state: membership.state,
    view: follower.view,
    fencingToken: settledLock(role)?.token,
  });
  const timeoutMs = config.hookTimeoutMs;
  using _ = warnOfLongHook(node, hook);
  const ran = await hooks.run(hook, { env: { ...env, ...more }, timeoutMs, signal });
  if (ran) log.info({ hook }, "a hook has run");
  else if (hook === "master" || hook === "stopped")
    refuseGone(hook, { present: node.present, hooksDir: config.hooksDir });
  node.permission.check(); // of what it left running
}
