import { createManualClock } from "@msdha/clock";
import { describe, expect, test } from "vitest";
import type { CallOptions, EtcdApi, WatchMessage, WatchStream } from "./api.ts";
import { combineMembers } from "./combine.ts";
import { EtcdAuthError, EtcdLeaseNotFoundError, EtcdNoSpaceError, EtcdUnavailableError } from "./errors.ts";

interface FakeMember extends EtcdApi {
  /** What the next and every later call does. */
  behaviour: Behaviour;
  /** How many calls have come, and how many of them were aborted. */
  calls: number;
  aborted: number;
  watches: number;
}

type Behaviour = { answer: unknown; afterMs?: number } | { error: Error; afterMs?: number } | "hang";

const read = { key: "k" };

/** A cluster whose members answer every call with their own number, unless told otherwise. */
function fakeCluster(count: number) {
  const clock = createManualClock();
  const members = Array.from({ length: count }, (_, index) => fakeMember(index));

  function fakeMember(index: number): FakeMember {
    const call = async (options: CallOptions): Promise<never> => {
      member.calls += 1;
      options.signal?.addEventListener("abort", () => {
        member.aborted += 1;
      });
      const { behaviour } = member;
      const limit = { signal: options.signal };
      if (behaviour === "hang") {
        await clock.sleep(options.timeoutMs, limit);
        throw new EtcdUnavailableError(`member ${index}: no answer`);
      }
      if (behaviour.afterMs) await clock.sleep(behaviour.afterMs, limit);
      if ("error" in behaviour) throw behaviour.error;
      return behaviour.answer as never;
    };
    const member: FakeMember = {
      behaviour: { answer: index },
      calls: 0,
      aborted: 0,
      watches: 0,
      range: (_, options) => call(options),
      txn: (_, options) => call(options),
      leaseGrant: (_, options) => call(options),
      leaseKeepAlive: (_, options) => call(options),
      leaseRevoke: (_, options) => call(options),
      leaseTimeToLive: (_, options) => call(options),
      watch: () => {
        member.watches += 1;
        return failingStream(member.behaviour);
      },
    };
    return member;
  }

  const etcd = combineMembers(members, { clock });
  return { clock, members: members as [FakeMember, FakeMember, FakeMember], etcd };
}

function failingStream(behaviour: Behaviour): WatchStream {
  return {
    requestProgress: () => {},
    async *[Symbol.asyncIterator](): AsyncGenerator<WatchMessage> {
      yield { revision: 1, created: true, events: [] };
      if (behaviour !== "hang" && "error" in behaviour) throw behaviour.error;
    },
  };
}

/** Lets `promise` settle under the clock and says when it did, and how. */
async function watched<T>(
  clock: { now(): number },
  promise: Promise<T>,
): Promise<{ at: number; value?: T; error?: Error }> {
  return promise.then(
    (value) => ({ at: clock.now(), value }),
    (error) => ({ at: clock.now(), error }),
  );
}

const down = { error: new EtcdUnavailableError("refused") };

describe("a read", () => {
  test("asks one member only when that answers", async () => {
    const { etcd, members } = fakeCluster(3);
    expect(await etcd.range(read, { timeoutMs: 6_000 })).toBe(0);
    expect(members.map(({ calls }) => calls)).toEqual([1, 0, 0]);
  });

  test("asks the next member at once when one fails, and stays with the one that answered", async () => {
    const { etcd, members, clock } = fakeCluster(3);
    members[0].behaviour = down;
    expect(await etcd.range(read, { timeoutMs: 6_000 })).toBe(1);
    expect(await etcd.range(read, { timeoutMs: 6_000 })).toBe(1);
    expect(clock.now()).toBe(0);
    expect(members.map(({ calls }) => calls)).toEqual([1, 2, 0]);
  });

  test("asks the next member beside one that is silent for 500 ms, and aborts the loser", async () => {
    const { etcd, members, clock } = fakeCluster(3);
    members[0].behaviour = "hang";
    const result = watched(clock, etcd.range(read, { timeoutMs: 6_000 }));
    await clock.advance(1_000);
    expect(await result).toEqual({ at: 500, value: 1 });
    expect(members[0].aborted).toBe(1);
    expect(clock.sleeping).toBe(0);
  });

  test("asks the next one sooner when there is little time", async () => {
    const { etcd, members, clock } = fakeCluster(3);
    members[0].behaviour = "hang";
    members[1].behaviour = "hang";
    const result = watched(clock, etcd.range(read, { timeoutMs: 600 }));
    await clock.advance(1_000);
    expect(await result).toEqual({ at: 200, value: 2 });
  });

  test("takes the first answer, also that of a slow member which was asked earlier", async () => {
    const { etcd, members, clock } = fakeCluster(3);
    members[0].behaviour = { answer: 0, afterMs: 700 };
    members[1].behaviour = "hang";
    const result = watched(clock, etcd.range(read, { timeoutMs: 6_000 }));
    await clock.advance(1_000);
    expect(await result).toEqual({ at: 700, value: 0 });
  });

  test("goes round again, more and more slowly, while every member fails", async () => {
    const { etcd, members, clock } = fakeCluster(3);
    for (const member of members) member.behaviour = down;
    const result = watched(clock, etcd.range(read, { timeoutMs: 6_000 }));
    await clock.advance(2_000);
    const rounds = members[0].calls;
    expect(rounds).toBeGreaterThan(3);
    expect(rounds).toBeLessThan(9);
    members[2].behaviour = { answer: 2 };
    await clock.advance(500);
    expect(await result).toMatchObject({ value: 2 });
  });

  test("tells what each member said when the time is over, and leaves nothing running", async () => {
    const { etcd, members, clock } = fakeCluster(3);
    members[0].behaviour = down;
    members[1].behaviour = { error: new EtcdUnavailableError("no leader") };
    members[2].behaviour = "hang";
    const result = watched(clock, etcd.range(read, { timeoutMs: 3_000 }));
    await clock.advance(10_000);
    const { at, error } = await result;
    expect(at).toBe(3_000);
    expect(error).toBeInstanceOf(EtcdUnavailableError);
    expect(error?.message).toBe("etcd gave no answer within 3000 ms: refused; no leader");
    expect(clock.sleeping).toBe(0);
  });

  test("ends with the reason of its signal, and aborts what runs", async () => {
    const { etcd, members, clock } = fakeCluster(3);
    members[0].behaviour = "hang";
    const stop = new AbortController();
    const result = watched(clock, etcd.range(read, { timeoutMs: 3_000, signal: stop.signal }));
    await clock.advance(100);
    const reason = new Error("enough");
    stop.abort(reason);
    expect(await result).toEqual({ at: 100, error: reason });
    expect(members[0].aborted).toBe(1);
    await clock.advance(0);
    expect(clock.sleeping).toBe(0);
  });

  test("ends at once with an error that any member would give", async () => {
    const { etcd, members, clock } = fakeCluster(3);
    const error = new EtcdNoSpaceError("space exceeded");
    members[0].behaviour = { error };
    expect(await watched(clock, etcd.range(read, { timeoutMs: 3_000 }))).toEqual({ at: 0, error });
    expect(members[1].calls).toBe(0);
  });

  test("does not believe one member alone that refuses the user", async () => {
    const { etcd, members } = fakeCluster(3);
    members[0].behaviour = { error: new EtcdAuthError("certificate refused") };
    expect(await etcd.range(read, { timeoutMs: 3_000 })).toBe(1);
  });

  test("believes it when most members refuse the user", async () => {
    const { etcd, members, clock } = fakeCluster(3);
    const error = new EtcdAuthError("wrong password");
    members[0].behaviour = { error };
    members[1].behaviour = down;
    members[2].behaviour = { error };
    expect(await watched(clock, etcd.range(read, { timeoutMs: 3_000 }))).toEqual({ at: 0, error });
  });
});

describe("a write", () => {
  test("is tried on one member at a time", async () => {
    const { etcd, members, clock } = fakeCluster(3);
    members[0].behaviour = { answer: 0, afterMs: 1_600 };
    members[1].behaviour = { answer: 1, afterMs: 300 };
    const result = watched(clock, etcd.leaseGrant(6, { timeoutMs: 6_000 }));
    await clock.advance(1_400);
    expect(members.map(({ calls }) => calls)).toEqual([1, 0, 0]);
    await clock.advance(1_000);
    expect(await result).toEqual({ at: 1_800, value: 1 });
    expect(members[0].aborted).toBe(1);
  });

  test("goes to the next member at once when one fails", async () => {
    const { etcd, members, clock } = fakeCluster(3);
    members[0].behaviour = down;
    const transaction = { compare: [], success: [], failure: [] };
    expect(await watched(clock, etcd.txn(transaction, { timeoutMs: 6_000 }))).toEqual({ at: 0, value: 1 });
  });

  test("ends at once when its lease does not exist", async () => {
    const { etcd, members } = fakeCluster(3);
    members[0].behaviour = { error: new EtcdLeaseNotFoundError("gone") };
    const transaction = { compare: [], success: [], failure: [] };
    await expect(etcd.txn(transaction, { timeoutMs: 6_000 })).rejects.toBeInstanceOf(EtcdLeaseNotFoundError);
  });
});

describe("a renewal", () => {
  /** A member that answers renewals with these numbers, one after the other, and reads as `reads` says. */
  function lease(ttls: number[], reads: Behaviour): EtcdApi & { reads: number } {
    const { members } = fakeCluster(1);
    const counted = { ...members[0], reads: 0 };
    return Object.assign(counted, {
      leaseKeepAlive: async () => ttls.shift() ?? 0,
      range: async () => {
        counted.reads += 1;
        if (reads !== "hang" && "error" in reads) throw reads.error;
        if (reads === "hang") return new Promise<never>(() => {});
        return { kvs: [], revision: 1 };
      },
    });
  }

  test("is asked for twice, with a linearizable read in between, when the lease is said to be gone", async () => {
    const member = lease([0, 0], { answer: 0 });
    const clock = createManualClock();
    expect(await combineMembers([member], { clock }).leaseKeepAlive("1", { timeoutMs: 1_000 })).toBe(0);
    expect(member.reads).toBe(1);
  });

  test("goes on when a member that has caught up knows the lease after all", async () => {
    const clock = createManualClock();
    const etcd = combineMembers([lease([0, 6], { answer: 0 })], { clock });
    expect(await etcd.leaseKeepAlive("1", { timeoutMs: 1_000 })).toBe(6);
  });

  test("does not believe a member without a quorum that the lease is gone", async () => {
    const clock = createManualClock();
    const etcd = combineMembers([lease([0, 0], "hang"), lease([6], { answer: 0 })], { clock });
    const result = watched(clock, etcd.leaseKeepAlive("1", { timeoutMs: 4_000 }));
    await clock.advance(1_000);
    expect(await result).toEqual({ at: 500, value: 6 });
  });

  test("takes a refused read for the word of a member that has caught up", async () => {
    const clock = createManualClock();
    const etcd = combineMembers([lease([0, 0], { error: new EtcdAuthError("permission denied") })], {
      clock,
    });
    expect(await etcd.leaseKeepAlive("1", { timeoutMs: 1_000 })).toBe(0);
  });
});

describe("a watch", () => {
  const request = { key: "p/", prefix: true };

  async function follow(stream: WatchStream): Promise<Error | undefined> {
    try {
      for await (const _ of stream);
    } catch (error) {
      return error as Error;
    }
    return undefined;
  }

  test("opens on the member that answered last", async () => {
    const { etcd, members } = fakeCluster(3);
    members[0].behaviour = down;
    await etcd.range(read, { timeoutMs: 1_000 });
    etcd.watch(request, { signal: new AbortController().signal });
    expect(members.map(({ watches }) => watches)).toEqual([0, 1, 0]);
  });

  test("opens on the next member after it broke", async () => {
    const { etcd, members } = fakeCluster(3);
    members[0].behaviour = down;
    const { signal } = new AbortController();
    expect(await follow(etcd.watch(request, { signal }))).toBe(down.error);
    etcd.watch(request, { signal });
    expect(members.map(({ watches }) => watches)).toEqual([1, 1, 0]);
  });

  test("opens on the next member after it was given up as silent, not after it was just ended", async () => {
    const { etcd, members } = fakeCluster(3);
    const ended = new AbortController();
    etcd.watch(request, { signal: ended.signal });
    ended.abort(new Error("not needed"));
    const silent = new AbortController();
    etcd.watch(request, { signal: silent.signal });
    silent.abort(new EtcdUnavailableError("no progress"));
    etcd.watch(request, { signal: new AbortController().signal });
    expect(members.map(({ watches }) => watches)).toEqual([2, 1, 0]);
  });
});

test("no members are refused", () => {
  expect(() => combineMembers([])).toThrow(TypeError);
});
