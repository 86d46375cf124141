import { hasCode } from "@msdha/app";
import { withTimeout } from "@msdha/clock";
import type { KillNotPermittedError } from "@msdha/guard";
import { describeKilled } from "./end-everything.ts";
import type { Node } from "./node.ts";

/** What is known once everything has been killed that had not ended. */
export interface Rest {
  /** Whether the guard has seen the last process of this node go. */
  readonly gone: boolean;
  /** How many processes had to be killed; undefined if it is not known. */
  readonly killed: number | undefined;
  /** False while something is alive that may not be killed: the lock is kept then. */
  readonly reached: boolean;
}

const ASK_AGAIN_MS = 60_000;

/**
 * Kills what is left, and says what had to be killed.
 *
 * What hangs in the kernel, with its storage, does not hold the lock for ever: it has been sent SIGKILL, and after a
 * TTL the node goes on without it. What may not be killed does: the node keeps its lock for as long as its lease lasts.
 */
export async function killRest(node: Node): Promise<Rest> {
  const { clock, guard, lease, log } = node;
  for (;;) {
    try {
      const report = await withTimeout(clock, lease.ttlMs, () => guard.killAll());
      if (report.killed > 0) log.warn({ killed: report.killed }, `had to kill ${describeKilled(report)}`);
      return { gone: true, killed: report.killed, reached: true };
    } catch (error) {
      log.error({ err: error }, "could not kill what is left");
      if (!hasCode<KillNotPermittedError>(error, "ERR_KILL_NOT_PERMITTED")) {
        return { gone: false, killed: undefined, reached: true };
      }
      await whileNotPermitted(node);
      if (lease.lost.aborted) return { gone: false, killed: undefined, reached: false };
    }
  }
}

/**
 * Waits until nothing is left after all, or the lease is lost; at most for a minute. A guard that is lost goes on trying,
 * and still tells when nothing is left.
 */
async function whileNotPermitted({ clock, guard, lease }: Node): Promise<void> {
  const over = new AbortController();
  const signal = AbortSignal.any([lease.lost, over.signal]);
  const minute = clock.sleep(ASK_AGAIN_MS, { signal });
  await Promise.race([minute, guard.gone()]).catch(() => {});
  over.abort();
}
