import { hasCode } from "@msdha/app";
import { isTimeoutError, withTimeout } from "@msdha/clock";
import type { GuardPastDeadlineError, KillNotPermittedError } from "@msdha/guard";
import { describeKilled } from "./end-everything.ts";
import type { Node } from "./node.ts";

/** What is known once everything has been killed that had not ended. */
export interface Rest {
  /** Whether the guard has seen the last process of this node go. */
  readonly gone: boolean;
  /** How many processes had to be killed; undefined if it is not known. */
  readonly killed: number | undefined;
  /** False while something may be alive that was not sent SIGKILL: the lock is kept then. */
  readonly reached: boolean;
}

const ASK_AGAIN_MS = 60_000;

/**
 * Kills what is left, and says what had to be killed.
 *
 * What hangs in the kernel, with its storage, does not hold the lock for ever: it has been sent SIGKILL, as the guard
 * confirms, and after a TTL the node goes on without it. What may not be killed does, and so does a guard that does not
 * confirm: the node keeps its lock for as long as its lease lasts.
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
      if (await wasSentKill(node, error)) return { gone: false, killed: undefined, reached: true };
      await untilGoneOrLost(node);
      if (lease.lost.aborted) return { gone: false, killed: undefined, reached: false };
    }
  }
}

/** Whether everything that is left was sent SIGKILL with success, when `killAll` failed or took too long. */
async function wasSentKill({ clock, guard, lease, log }: Node, error: unknown): Promise<boolean> {
  if (hasCode<KillNotPermittedError>(error, "ERR_KILL_NOT_PERMITTED")) return false;
  // Both processes of the guard died: this one has killed whatever held the lock file.
  if (!isTimeoutError(error)) return true;
  // A guard that says that its deadline has passed kills, and says what it may not kill.
  if (guard.lost.aborted) {
    if (hasCode<GuardPastDeadlineError>(guard.lost.reason, "ERR_GUARD_PAST_DEADLINE")) return true;
  } else {
    const asking = withTimeout(clock, lease.ttlMs / 3, () => guard.signalAll("SIGKILL"));
    const report = await asking.catch(() => undefined);
    if (report) return report.denied === 0;
  }
  log.error("the guard does not confirm that everything was sent SIGKILL: keeping the lock meanwhile");
  return false;
}

/**
 * Waits until nothing is left after all, or the lease is lost; at most for a minute. A guard that is lost goes on trying,
 * and still tells when nothing is left.
 */
async function untilGoneOrLost({ clock, guard, lease }: Node): Promise<void> {
  const over = new AbortController();
  const signal = AbortSignal.any([lease.lost, over.signal]);
  const minute = clock.sleep(ASK_AGAIN_MS, { signal });
  await Promise.race([minute, guard.gone()]).catch(() => {});
  over.abort();
}
