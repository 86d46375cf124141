import type { Node } from "./node.ts";
import { settledLock } from "./role.ts";

/** The drain of a group in which no frontend is registered: theirs may be a user of etcd that can't write. */
const UNREGISTERED_MS = 100;

/**
 * Resolves when no frontend sends anything new here, as far as the node can know: every registered frontend has confirmed
 * it, or `drainTimeoutMs` or half of the stop's time are over; and `drainMs` are over, where it is set, or 100 ms, where no
 * frontend is registered. So a client that just connected does not get the error of a program that is shutting down.
 * Resolves early when the main process ends or the lease is lost, and at once if `drainMs` is 0.
 */
export async function drain(node: Node): Promise<void> {
  const { clock, config, follower, lease, main, succession, haste } = node;
  if (!main || config.drainMs === 0) return;
  const over = new AbortController();
  const signal = AbortSignal.any([lease.lost, succession.overtaken, haste, over.signal]);
  const leastMs = config.drainMs ?? (follower.view.frontends.size > 0 ? 0 : UNREGISTERED_MS);
  const fixed = clock.sleep(leastMs, { signal }).catch(() => {});
  const confirmed = waitForFrontends(node, signal).catch(() => {});
  await Promise.race([Promise.all([fixed, confirmed]), main.exited.catch(() => {})]);
  over.abort();
}

async function waitForFrontends(
  { clock, config, follower, role, log }: Node,
  signal: AbortSignal,
): Promise<void> {
  const lock = settledLock(role);
  if (!lock) return;
  // The program has the rest of the stop's time.
  const until = clock.now() + Math.min(config.drainTimeoutMs, config.stopTimeoutMs / 2);
  for (;;) {
    const { view } = follower;
    const missing = [...view.frontends.values()].filter(({ left }) => left !== lock.token);
    if (missing.length === 0) return;
    const timeoutMs = until - clock.now();
    if (timeoutMs <= 0) {
      const frontends = missing.map(({ host }) => host).join(", ");
      log.warn(
        { frontends },
        "frontends did not confirm in time that they send nothing new: stopping all the same",
      );
      return;
    }
    await follower.changed({ since: view, timeoutMs, signal });
  }
}
