import { systemClock } from "@msdha/clock";
import type { EtcdApi } from "@msdha/etcd-client";
import { acquireLock, type LockOptions } from "./acquire-lock.ts";
import { LockLostError } from "./errors.ts";
import type { Lock } from "./lock.ts";

/**
 * Runs `work` under a lock, and resolves with what it resolves with. `work` must end when `lock.signal` aborts, before
 * `lock.deadline`, and settle only when everything that it began has ended. The lock is handed over when it resolves; when
 * it rejects, the next holder waits. Rejects with the loss of the lock if `work` went on past the deadline, and as
 * `acquireLock`.
 */
export async function withLock<T>(
  etcd: EtcdApi,
  name: string,
  options: LockOptions,
  work: (lock: Lock) => Promise<T>,
): Promise<T> {
  const { clock = systemClock } = options;
  await using lock = await acquireLock(etcd, name, options);
  const result = await work(lock);
  if (clock.now() >= lock.deadline) throw lock.signal.reason ?? new LockLostError(lock.token);
  await lock.handOver();
  return result;
}
