import { type Clock, systemClock } from "@msdha/clock";
import type { CallOptions, EtcdApi, WatchRequest, WatchStream } from "./api.ts";
import { EtcdUnavailableError, isEtcdError } from "./errors.ts";
import { type Ask, raceMembers } from "./race.ts";

/** After this long without an answer a read is asked of the next member too, unless the call has less time. */
const hedgeMs = 500;
/** A write that has no answer after this long is tried on the next member instead, unless the call has less time. */
const writeShareMs = 2_000;

export interface CombineOptions {
  /** Default: the boot-time clock. */
  readonly clock?: Clock;
  /** Ends every call, with its reason. Watches are the members' to end. */
  readonly signal?: AbortSignal;
}

/** Where the members come from, when they can change. */
export interface MemberSource {
  /** As they are known now; may be none. */
  list(): readonly EtcdApi[];
  /** Resolves with the members as soon as there is one. */
  known(options: CallOptions): Promise<readonly EtcdApi[]>;
  /** Called when another member had to answer than the one that was asked first, and when a watch broke. */
  doubt(): void;
}

/**
 * Makes one client of the clients of a cluster's members; see `connectEtcd` for what it does with them. It holds
 * nothing that needs disposal. Members may be of any kind, a test's fakes too.
 */
export function combineMembers(members: readonly EtcdApi[], options: CombineOptions = {}): EtcdApi {
  if (members.length === 0) throw new TypeError("expected at least one member, got none");
  return combineSource(
    { list: () => members, known: () => Promise.resolve(members), doubt: () => {} },
    options,
  );
}

/** Makes one client of members that may change. */
export function combineSource(
  source: MemberSource,
  { clock = systemClock, signal: closed }: CombineOptions = {},
): EtcdApi {
  let preferred: EtcdApi | undefined;
  /** Where the last watch broke: the next one begins behind it. */
  let brokeAt: EtcdApi | undefined;

  async function race<T>(
    { timeoutMs, signal: stop }: CallOptions,
    {
      share,
      keepEarlier,
      oncePerMember = false,
    }: { share(members: number): number; keepEarlier: boolean; oncePerMember?: boolean },
    ask: Ask<T>,
  ): Promise<T> {
    const signal = closed && stop ? AbortSignal.any([closed, stop]) : (closed ?? stop);
    const begun = clock.now();
    const present = source.list();
    const members = present.length > 0 ? present : await source.known({ timeoutMs, signal });
    const leftMs = Math.max(timeoutMs - (clock.now() - begun), 1);
    const first = Math.max(preferred ? members.indexOf(preferred) : 0, 0);
    // A clock that leapt forward may have left no time.
    const shareMs = Math.max(share(members.length), 1);
    const limits = { keepEarlier, oncePerMember, timeoutMs: leftMs, signal, clock, first, shareMs };
    try {
      const { index, value } = await raceMembers(members, limits, ask);
      const winner = members[index];
      if (winner !== preferred) brokeAt = undefined;
      if (index !== first) source.doubt();
      preferred = winner;
      return value;
    } catch (error) {
      if (isEtcdError(error, "ERR_ETCD_UNAVAILABLE")) source.doubt();
      throw error;
    }
  }

  function hedged<T>(options: CallOptions, ask: Ask<T>, oncePerMember = false): Promise<T> {
    const share = (members: number): number => Math.min(hedgeMs, options.timeoutMs / (2 * members));
    return race(options, { share, keepEarlier: true, oncePerMember }, ask);
  }

  function inTurn<T>(options: CallOptions, ask: Ask<T>): Promise<T> {
    const share = (members: number): number => Math.min(writeShareMs, options.timeoutMs / (members + 1));
    return race(options, { share, keepEarlier: false }, ask);
  }

  function watch(request: WatchRequest, { signal }: { readonly signal: AbortSignal }): WatchStream {
    const members = source.list();
    const after = brokeAt ? members.indexOf(brokeAt) + 1 : 0;
    const index =
      after > 0 ? after % members.length : Math.max(preferred ? members.indexOf(preferred) : 0, 0);
    const member = members[index];
    if (!member) return brokenStream(new EtcdUnavailableError("no address of etcd is known yet"));
    return onFailure(member.watch(request, { signal }), signal, () => {
      brokeAt = member;
      source.doubt();
    });
  }

  return {
    // The answer for one key is small, that for a prefix may be not.
    range: (range, options) =>
      hedged(options, (member, each) => member.range(range, each), range.prefix ?? false),
    txn: (transaction, options) =>
      (options.hedge ? hedged : inTurn)(options, (member, each) => member.txn(transaction, each)),
    leaseGrant: (ttlSeconds, options) =>
      inTurn(options, (member, each) => member.leaseGrant(ttlSeconds, each)),
    leaseKeepAlive: (id, options) =>
      hedged(options, (member, each) => believeGone(member, each, () => member.leaseKeepAlive(id, each))),
    leaseRevoke: (id, options) => hedged(options, (member, each) => member.leaseRevoke(id, each)),
    leaseTimeToLive: (id, options) =>
      hedged(options, (member, each) => believeGone(member, each, () => member.leaseTimeToLive(id, each))),
    watch,
  };
}

function brokenStream(error: Error): WatchStream {
  return {
    requestProgress: () => {},
    // biome-ignore lint/correctness/useYield: it ends before there is anything to yield.
    async *[Symbol.asyncIterator]() {
      throw error;
    },
  };
}

/**
 * That a lease is gone is the word of one member alone: a leader that was deposed and has not noticed, or a new one
 * that has not applied its log yet, does not know a young lease. So it counts only when the same member says it
 * again after a linearizable read, for which it has to catch up with a quorum.
 */
async function believeGone(
  member: EtcdApi,
  options: CallOptions,
  ask: () => Promise<number>,
): Promise<number> {
  const seconds = await ask();
  if (seconds > 0) return seconds;
  try {
    await member.range({ key: "\0" }, options);
  } catch (error) {
    // A user without the right to read that key is refused after the member has caught up: as good as an answer.
    if (!isEtcdError(error, "ERR_ETCD_AUTH")) throw error;
  }
  return ask();
}

/** The same stream; `failed` is called when it broke, or was given up for an `EtcdUnavailableError`. */
function onFailure(stream: WatchStream, signal: AbortSignal, failed: () => void): WatchStream {
  const givenUp = (): void => {
    if (isEtcdError(signal.reason, "ERR_ETCD_UNAVAILABLE")) failed();
  };
  signal.addEventListener("abort", givenUp, { once: true });
  return {
    requestProgress: () => stream.requestProgress(),
    async *[Symbol.asyncIterator]() {
      try {
        yield* stream;
      } catch (error) {
        if (isEtcdError(error, "ERR_ETCD_UNAVAILABLE") && !signal.aborted) failed();
        throw error;
      } finally {
        signal.removeEventListener("abort", givenUp);
      }
    },
  };
}
