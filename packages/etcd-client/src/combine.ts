import { type Clock, systemClock } from "@msdha/clock";
import type { CallOptions, EtcdApi, WatchStream } from "./api.ts";
import { isEtcdError } from "./errors.ts";
import { type Ask, type RaceOptions, raceMembers } from "./race.ts";

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

/**
 * Makes one client of the clients of a cluster's members; see `connectEtcd` for what it does with them. It holds
 * nothing that needs disposal. Members may be of any kind, a test's fakes too.
 */
export function combineMembers(
  members: readonly EtcdApi[],
  { clock = systemClock, signal: closed }: CombineOptions = {},
): EtcdApi {
  if (members.length === 0) throw new TypeError("expected at least one member, got none");
  let preferred = 0;
  /** Where the next watch begins when that is not the preferred member: the last one broke there. */
  let watchFrom: number | undefined;

  async function race<T>(
    options: CallOptions,
    how: Pick<RaceOptions, "shareMs" | "keepEarlier">,
    ask: Ask<T>,
  ): Promise<T> {
    const signal =
      closed && options.signal ? AbortSignal.any([closed, options.signal]) : (closed ?? options.signal);
    const limits = { ...how, timeoutMs: options.timeoutMs, signal, clock, first: preferred };
    const { index, value } = await raceMembers(members, limits, ask);
    if (index !== preferred) watchFrom = undefined;
    preferred = index;
    return value;
  }

  function hedged<T>(options: CallOptions, ask: Ask<T>): Promise<T> {
    const shareMs = Math.min(hedgeMs, options.timeoutMs / (2 * members.length));
    return race(options, { shareMs, keepEarlier: true }, ask);
  }

  function inTurn<T>(options: CallOptions, ask: Ask<T>): Promise<T> {
    const shareMs = Math.min(writeShareMs, options.timeoutMs / (members.length + 1));
    return race(options, { shareMs, keepEarlier: false }, ask);
  }

  return {
    range: (range, options) => hedged(options, (member, each) => member.range(range, each)),
    txn: (transaction, options) => inTurn(options, (member, each) => member.txn(transaction, each)),
    leaseGrant: (ttlSeconds, options) =>
      inTurn(options, (member, each) => member.leaseGrant(ttlSeconds, each)),
    leaseKeepAlive: (id, options) =>
      hedged(options, (member, each) => believeGone(member, each, () => member.leaseKeepAlive(id, each))),
    leaseRevoke: (id, options) => hedged(options, (member, each) => member.leaseRevoke(id, each)),
    leaseTimeToLive: (id, options) =>
      hedged(options, (member, each) => believeGone(member, each, () => member.leaseTimeToLive(id, each))),
    watch(request, { signal }) {
      const index = (watchFrom ?? preferred) % members.length;
      const stream = (members[index] as EtcdApi).watch(request, { signal });
      return onFailure(stream, signal, () => {
        watchFrom = (index + 1) % members.length;
      });
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
    // A user who may not read that key is told so after the member has caught up: as good as an answer.
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
