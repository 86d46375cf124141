import { type Clock, systemClock } from "@msdha/clock";
import type { EtcdApi, KeyRange } from "./api.ts";
import { isPermissionDenied } from "./cast-error.ts";
import { EtcdUnavailableError, isEtcdError } from "./errors.ts";

/** How long one try may take. */
const tryMs = 2_000;
/** From the start of one try to the start of the next, at least. */
const intervalMs = 500;
/** etcd's smallest key. */
const ANY_KEY: KeyRange = { key: "\0" };

export interface WaitForEtcdOptions {
  /** How long to go on trying. */
  readonly timeoutMs: number;
  /** Default: the boot-time clock. */
  readonly clock?: Clock;
  readonly signal?: AbortSignal | undefined;
  /**
   * What is read; the user must be allowed to read it. Default: any key, and a user that may not read it has been
   * answered too.
   */
  readonly range?: KeyRange;
  /** Called after every failed try that another one follows. */
  readonly onRetry?: (error: EtcdUnavailableError) => void;
}

/**
 * Resolves when a linearizable read has been answered: there is a quorum, and the credentials are good. Rejects with
 * `EtcdUnavailableError`, the last try's as `cause`, after `timeoutMs`; with the reason of `signal`; and at once with
 * what else a read can end with, `EtcdAuthError` above all. It does not promise that etcd answers afterwards.
 */
export async function waitForEtcd(
  etcd: EtcdApi,
  { timeoutMs, clock = systemClock, signal, range, onRetry }: WaitForEtcdOptions,
): Promise<void> {
  const until = clock.now() + timeoutMs;
  for (;;) {
    const startedAt = clock.now();
    try {
      await etcd.range(range ?? ANY_KEY, {
        timeoutMs: Math.max(Math.min(tryMs, until - startedAt), 1),
        signal,
      });
      return;
    } catch (error) {
      // etcd looks at the rights after it has caught up with a quorum.
      if (!range && isPermissionDenied(error)) return;
      if (!isEtcdError(error, "ERR_ETCD_UNAVAILABLE") || signal?.aborted) throw error;
      const pauseMs = Math.max(startedAt + intervalMs - clock.now(), 0);
      if (clock.now() + pauseMs >= until) {
        throw new EtcdUnavailableError(`etcd was not there within ${timeoutMs} ms: ${error.message}`, {
          cause: error,
        });
      }
      onRetry?.(error);
      await clock.sleep(pauseMs, { signal });
    }
  }
}
