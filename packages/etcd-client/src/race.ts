import { type Clock, isTimeoutError, withTimeout } from "@msdha/clock";
import type { CallOptions, EtcdApi } from "./api.ts";
import { EtcdUnavailableError, isEtcdError } from "./errors.ts";

/** How long is waited after every member has failed once: the first time, doubled each time, up to the last. */
const firstPauseMs = 50;
const longestPauseMs = 500;

/** Why what still runs is ended; made once, since an error is dear to make and nobody reads this one. */
const overtaken = new EtcdUnavailableError("another member was faster, or the time was over");

/** Asks one member within the limits of `options`. */
export type Ask<T> = (member: EtcdApi, options: CallOptions) => Promise<T>;

export interface RaceOptions extends CallOptions {
  readonly clock: Clock;
  /** The member that is asked first; the others follow in their order. */
  readonly first: number;
  /** How long a member has before the next one is asked. */
  readonly shareMs: number;
  /** Whether the earlier ones may still answer then, or are given up. */
  readonly keepEarlier: boolean;
  /**
   * Whether a member that works on an answer is left alone until it fails: for answers that may be large, which it
   * would make twice. Small ones are asked for again in every round: a follower that passed the question on to a leader
   * that is dead may never answer it, but would answer the same question after the election.
   */
  readonly oncePerMember: boolean;
}

/** Who answered, and what. */
export interface Won<T> {
  readonly index: number;
  readonly value: T;
}

/**
 * Asks one member after the other, round and round, until one answers: the next one when its predecessor has failed
 * or has let its share of the time pass, after a pause when all have failed. `EtcdUnavailableError` is the failure of a
 * member, and so is `EtcdAuthError` until most members have said it (one may have the wrong certificates); any other
 * error is an answer. Those that have not answered when it is over are aborted.
 *
 * Rejects with an `EtcdUnavailableError` that names the members' failures when `timeoutMs` have passed, or with the
 * reason of `signal`.
 */
export async function raceMembers<T>(
  members: readonly EtcdApi[],
  options: RaceOptions,
  ask: Ask<T>,
): Promise<Won<T>> {
  const { clock, timeoutMs, signal } = options;
  const failures = new Map<number, Error>();
  const over = new AbortController();
  try {
    return await withTimeout(
      clock,
      timeoutMs,
      (limit) =>
        new Promise<Won<T>>((resolve, reject) => {
          const settle = { signal: AbortSignal.any([limit, over.signal]), resolve, reject };
          askInTurn(members, options, ask, failures, settle).catch(reject);
        }),
      { signal },
    );
  } catch (error) {
    if (isTimeoutError(error)) throw noAnswer(timeoutMs, failures);
    throw error;
  } finally {
    over.abort(overtaken);
  }
}

interface Settle<T> {
  readonly signal: AbortSignal;
  resolve(won: Won<T>): void;
  reject(error: unknown): void;
}

async function askInTurn<T>(
  members: readonly EtcdApi[],
  { clock, first, shareMs, keepEarlier, oncePerMember, timeoutMs }: RaceOptions,
  ask: Ask<T>,
  failures: Map<number, Error>,
  { signal, resolve, reject }: Settle<T>,
): Promise<void> {
  const until = clock.now() + timeoutMs;
  /** The members that work on an answer and are not asked again meanwhile. */
  const underWay = new Map<number, Promise<void>>();
  let pauseMs = firstPauseMs;
  let failedInARow = 0;

  function begin(index: number, share: AbortSignal): Promise<void> {
    const limit = AbortSignal.any([signal, share]);
    const left = Math.max(until - clock.now(), 1);
    const failed = ask(members[index] as EtcdApi, { timeoutMs: left, signal: limit }).then(
      (value) => {
        resolve({ index, value });
        return new Promise<never>(() => {});
      },
      (error) => {
        if (limit.aborted) return;
        underWay.delete(index);
        failures.set(index, error);
        if (isAnswer(error, failures, members.length)) reject(error);
      },
    );
    if (oncePerMember) underWay.set(index, failed);
    return failed;
  }

  for (let turn = first; !signal.aborted; turn += 1) {
    if (underWay.size === members.length) await untilFirst([...underWay.values()], clock, until, signal);
    const index = turn % members.length;
    if (underWay.has(index)) continue;
    const share = new AbortController();
    if (await isFirst(begin(index, share.signal), clock, shareMs, signal)) {
      failedInARow += 1;
    } else {
      failedInARow = 0;
      if (!keepEarlier) {
        share.abort(new EtcdUnavailableError(`no answer within ${Math.round(shareMs)} ms`));
        underWay.delete(index);
      }
    }
    if (failedInARow < members.length) continue;
    failedInARow = 0;
    await clock.sleep(pauseMs, { signal });
    pauseMs = Math.min(pauseMs * 2, longestPauseMs);
  }
}

/** Resolves when one of the members has failed. */
async function untilFirst(
  failures: readonly Promise<void>[],
  clock: Clock,
  until: number,
  signal: AbortSignal,
): Promise<void> {
  await isFirst(Promise.race(failures), clock, Math.max(until - clock.now(), 1), signal);
}

function isAnswer(error: unknown, failures: ReadonlyMap<number, Error>, members: number): boolean {
  if (!isEtcdError(error, "ERR_ETCD_AUTH")) return !isEtcdError(error, "ERR_ETCD_UNAVAILABLE");
  const refusals = [...failures.values()].filter((failure) => isEtcdError(failure, "ERR_ETCD_AUTH"));
  return refusals.length * 2 > members;
}

/** Whether `settled` comes before `ms` have passed; throws the reason of `signal` when that is first. */
async function isFirst(
  settled: Promise<void>,
  clock: Clock,
  ms: number,
  signal: AbortSignal,
): Promise<boolean> {
  const done = new AbortController();
  const slept = clock.sleep(ms, { signal: AbortSignal.any([signal, done.signal]) });
  try {
    return await Promise.race([settled.then(() => true), slept.then(() => false)]);
  } finally {
    done.abort(overtaken);
  }
}

function noAnswer(timeoutMs: number, failures: ReadonlyMap<number, Error>): EtcdUnavailableError {
  const reasons = new Set([...failures.values()].map(({ message }) => message));
  const why = reasons.size > 0 ? `: ${[...reasons].join("; ")}` : "";
  const message = `etcd gave no answer within ${Math.round(timeoutMs)} ms${why}`;
  return new EtcdUnavailableError(message, { cause: [...failures.values()].at(-1) });
}
