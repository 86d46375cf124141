import { type Clock, TimeoutError, withTimeout } from "@msdha/clock";
import type { CallOptions, EtcdApi } from "./api.ts";
import { EtcdUnavailableError } from "./errors.ts";

/** How long is waited after every member has failed once: the first time, doubled each time, up to the last. */
const firstPauseMs = 50;
const longestPauseMs = 500;

export interface RaceOptions extends CallOptions {
  readonly clock: Clock;
  /** The member that is asked first; the others follow in their order. */
  readonly first: number;
  /** How long a member has before the next one is asked. */
  readonly shareMs: number;
  /** Whether the earlier ones may still answer then, or are given up. */
  readonly keepEarlier: boolean;
}

/** Who answered, and what. */
export interface Won<T> {
  readonly index: number;
  readonly value: T;
}

/**
 * Asks one member after the other, round and round, until one answers: the next one when its predecessor has failed
 * or has let its share of the time pass, after a pause when all have failed. `EtcdUnavailableError` is the failure
 * of a member; any other error is an answer. Those that have not answered when it is over are aborted.
 *
 * Rejects with an `EtcdUnavailableError` that tells the members' failures when `timeoutMs` have passed, or with the
 * reason of `signal`.
 */
export async function raceMembers<T>(
  members: readonly EtcdApi[],
  { clock, first, shareMs, keepEarlier, timeoutMs, signal }: RaceOptions,
  ask: (member: EtcdApi, options: CallOptions) => Promise<T>,
): Promise<Won<T>> {
  const failures = new Map<number, EtcdUnavailableError>();
  const until = clock.now() + timeoutMs;
  const over = new AbortController();
  try {
    return await withTimeout(clock, timeoutMs, (limit) => run(AbortSignal.any([limit, over.signal])), {
      signal,
    });
  } catch (error) {
    if (error instanceof TimeoutError) throw allFailed(timeoutMs, failures);
    throw error;
  } finally {
    over.abort(new EtcdUnavailableError("another member answered, or the time was over"));
  }

  function run(limit: AbortSignal): Promise<Won<T>> {
    return new Promise((resolve, reject) => {
      askInTurn(limit, resolve, reject).catch(reject);
    });
  }

  async function askInTurn(
    limit: AbortSignal,
    resolve: (won: Won<T>) => void,
    reject: (error: unknown) => void,
  ): Promise<void> {
    let pauseMs = firstPauseMs;
    let failedInARow = 0;
    for (let turn = first; !limit.aborted; turn += 1) {
      const index = turn % members.length;
      const share = new AbortController();
      const options = {
        timeoutMs: Math.max(until - clock.now(), 1),
        signal: AbortSignal.any([limit, share.signal]),
      };
      const failed = ask(members[index] as EtcdApi, options).then(
        (value) => {
          resolve({ index, value });
          return new Promise<never>(() => {});
        },
        (error) => {
          if (error instanceof EtcdUnavailableError) failures.set(index, error);
          else if (!options.signal.aborted) reject(error);
        },
      );
      const shareOver = await untilFirst(failed, shareMs, limit);
      if (shareOver && !keepEarlier) share.abort(new EtcdUnavailableError(`no answer within ${shareMs} ms`));
      failedInARow = shareOver ? 0 : failedInARow + 1;
      if (failedInARow < members.length) continue;
      await clock.sleep(pauseMs, { signal: limit });
      pauseMs = Math.min(pauseMs * 2, longestPauseMs);
      failedInARow = 0;
    }
  }

  /** Whether the time was first. */
  async function untilFirst(settled: Promise<void>, ms: number, limit: AbortSignal): Promise<boolean> {
    const done = new AbortController();
    const slept = clock.sleep(ms, { signal: AbortSignal.any([limit, done.signal]) }).then(() => true);
    try {
      return await Promise.race([settled.then(() => false), slept]);
    } finally {
      done.abort();
      slept.catch(() => {});
    }
  }
}

function allFailed(
  timeoutMs: number,
  failures: ReadonlyMap<number, EtcdUnavailableError>,
): EtcdUnavailableError {
  const reasons = [...new Set([...failures.values()].map(({ message }) => message))];
  const told = reasons.length > 0 ? `: ${reasons.join("; ")}` : "";
  const cause = [...failures.values()].at(-1);
  return new EtcdUnavailableError(`etcd gave no answer within ${Math.round(timeoutMs)} ms${told}`, { cause });
}
