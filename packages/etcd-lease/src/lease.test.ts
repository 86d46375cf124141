import { createManualClock, type ManualClock } from "@msdha/clock";
import { EtcdAuthError, EtcdLeaseNotFoundError, EtcdUnavailableError } from "@msdha/etcd-client";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createFakeEtcd, type FakeEtcd, hang, keyValue } from "../test/fake-etcd.ts";
import { LeaseLostError } from "./errors.ts";
import { acquireLease, type Lease, type LeaseOptions } from "./lease.ts";

const unavailable = async (): Promise<never> => {
  throw new EtcdUnavailableError("no route");
};

let clock: ManualClock;
let etcd: FakeEtcd;
const unhandled: unknown[] = [];
const noteUnhandled = (reason: unknown): void => {
  unhandled.push(reason);
};

beforeEach(() => {
  clock = createManualClock({ startMs: 1_000 });
  etcd = createFakeEtcd(clock);
  unhandled.length = 0;
  process.on("unhandledRejection", noteUnhandled);
});

afterEach(async () => {
  await clock.advance(0);
  process.off("unhandledRejection", noteUnhandled);
  expect(unhandled).toEqual([]);
});

const acquire = (more: Partial<LeaseOptions> = {}): Promise<Lease> =>
  acquireLease(etcd, { ttlSeconds: 6, probeKey: "/probe", clock, ...more });

const lossOf = (lease: Lease): LeaseLostError => {
  expect(lease.lost.aborted).toBe(true);
  expect(lease.lost.reason).toBeInstanceOf(LeaseLostError);
  return lease.lost.reason;
};

describe("renewal", () => {
  test("a lease is renewed and read every third of its time to live", async () => {
    const lease = await acquire();
    await clock.advance(12_000);
    expect(etcd.calls.keepAlive.map(({ at }) => at)).toEqual([3_000, 5_000, 7_000, 9_000, 11_000, 13_000]);
    expect(etcd.calls.range.map(({ at }) => at)).toEqual([3_000, 5_000, 7_000, 9_000, 11_000, 13_000]);
    expect(lease.seen).toBe(13_000);
    expect(lease.lost.aborted).toBe(false);
  });

  test("the first round counts from the request of the grant", async () => {
    etcd.onGrant = async () => {
      await clock.sleep(2_900);
      return { id: "7", ttlSeconds: 6 };
    };
    const acquiring = acquire();
    await clock.advance(2_900);
    await acquiring;
    await clock.advance(100);
    expect(etcd.calls.keepAlive.map(({ at }) => at)).toEqual([3_900]);
    expect(etcd.calls.range.map(({ at }) => at)).toEqual([3_900]);
  });

  test("a call gets the time that is left until the deadline", async () => {
    await acquire();
    etcd.onKeepAlive = hang;
    etcd.onRange = hang;
    await clock.advance(5_000);
    expect(etcd.calls.range.map(({ timeoutMs }) => timeoutMs)).toEqual([4_000, 2_000]);
    expect(etcd.calls.keepAlive.map(({ timeoutMs }) => timeoutMs)).toEqual([4_000, 2_000]);
  });

  test("a try that failed is followed by another one soon", async () => {
    await acquire();
    etcd.onRange = unavailable;
    await clock.advance(2_450);
    expect(etcd.calls.range.map(({ at }) => at)).toEqual([3_000, 3_200, 3_400]);
    etcd.onRange = async () => [];
    await clock.advance(2_000);
    expect(etcd.calls.range.map(({ at }) => at)).toEqual([3_000, 3_200, 3_400, 3_600]);
  });

  test("an answer that never comes costs one round", async () => {
    const lease = await acquire();
    etcd.onRange = hang;
    await clock.advance(2_000);
    etcd.onRange = async () => [];
    await clock.advance(2_000);
    expect(lease.seen).toBe(5_000);
    expect(etcd.underWay).toBe(0);
  });

  test("never more than four requests of a kind are under way", async () => {
    const lease = await acquire();
    etcd.onRange = async () => [keyValue()];
    lease.prove({ key: "/node" });
    etcd.onKeepAlive = () => new Promise(() => {});
    await clock.advance(60_000);
    expect(lease.lost.aborted).toBe(false);
    expect(etcd.calls.keepAlive.filter(({ signal }) => !signal?.aborted)).toHaveLength(4);
  });

  test("a time to live of one second that etcd raises to two is kept as one", async () => {
    etcd.onGrant = async () => ({ id: "7", ttlSeconds: 2 });
    const lease = await acquire({ ttlSeconds: 1 });
    expect(lease.ttlMs).toBe(1_000);
    etcd.onRange = hang;
    await clock.advance(999);
    expect(lease.lost.aborted).toBe(false);
    await clock.advance(1);
    expect(lossOf(lease).deadline).toBe(2_000);
  });

  test("a time to live that etcd makes shorter is kept as that", async () => {
    etcd.onGrant = async () => ({ id: "7", ttlSeconds: 4 });
    expect((await acquire()).ttlMs).toBe(4_000);
  });
});

describe("the deadline", () => {
  test("counts from the moment the answered request was sent", async () => {
    const lease = await acquire();
    etcd.onRange = async () => {
      await clock.sleep(700);
      return [];
    };
    await clock.advance(2_000);
    expect(lease.seen).toBe(1_000);
    await clock.advance(700);
    expect(lease.seen).toBe(3_000);
    etcd.onRange = hang;
    await clock.advance(9_000 - clock.now() - 1);
    expect(lease.lost.aborted).toBe(false);
    await clock.advance(1);
    expect(lossOf(lease)).toMatchObject({ kind: "expired", seen: 3_000, deadline: 9_000 });
  });

  test("is moved by the read, not by keepalives, once there is a key to prove", async () => {
    const lease = await acquire();
    etcd.onRange = unavailable;
    lease.prove({ key: "/lock", createRevision: 5 });
    await clock.advance(6_000);
    expect(etcd.calls.keepAlive.length).toBeGreaterThan(1);
    expect(lossOf(lease)).toMatchObject({ kind: "expired", seen: 1_000, deadline: 7_000 });
    expect(lossOf(lease).cause).toBeInstanceOf(EtcdUnavailableError);
  });

  test("is moved by the read alone while keepalives fail", async () => {
    const lease = await acquire();
    etcd.onRange = async () => [keyValue()];
    lease.prove({ key: "/node" });
    etcd.onKeepAlive = unavailable;
    await clock.advance(30_000);
    expect(lease.lost.aborted).toBe(false);
    expect(lease.seen).toBe(31_000);
  });

  test("needs both a read and a keepalive while there is nothing to prove", async () => {
    const lease = await acquire();
    etcd.onKeepAlive = unavailable;
    await clock.advance(4_000);
    expect(lease.seen).toBe(1_000);
    etcd.onKeepAlive = async () => 6;
    await clock.advance(1_000);
    expect(lease.seen).toBe(5_000);
    etcd.onRange = unavailable;
    await clock.advance(2_000);
    expect(etcd.calls.keepAlive.length).toBeGreaterThan(3);
    expect(lease.seen).toBe(5_000);
  });

  test("is not moved by an answer that comes after it", async () => {
    const lease = await acquire();
    const late = Promise.withResolvers<[]>();
    etcd.onRange = () => late.promise;
    await clock.advance(2_000);
    const blocked = blockUntil(clock, 7_000);
    late.resolve([]);
    await Promise.resolve();
    await clock.advance(0);
    blocked.undo();
    expect(lossOf(lease)).toMatchObject({ kind: "expired", seen: 1_000 });
  });

  test("is noticed by whoever looks, before any timer after a blocked event loop", async () => {
    const lease = await acquire();
    let told: unknown;
    lease.lost.addEventListener("abort", () => {
      told = lease.lost.reason;
    });
    const { undo } = blockUntil(clock, 7_000);
    expect(() => lease.throwIfLost()).toThrow(LeaseLostError);
    expect(told).toBeInstanceOf(LeaseLostError);
    undo();
  });

  test("is noticed by reading the signal after a blocked event loop", async () => {
    const lease = await acquire();
    const { undo } = blockUntil(clock, 7_000);
    expect(lease.lost.aborted).toBe(true);
    undo();
  });

  test("aborts once and ends all calls and sleeps", async () => {
    const lease = await acquire();
    etcd.onRange = hang;
    etcd.onKeepAlive = hang;
    let aborts = 0;
    lease.lost.addEventListener("abort", () => {
      aborts += 1;
    });
    await clock.advance(20_000);
    expect(aborts).toBe(1);
    expect(etcd.underWay).toBe(0);
    expect(clock.sleeping).toBe(0);
  });
});

describe("what etcd says", () => {
  test("a keepalive answered 0 loses the lease at once", async () => {
    const lease = await acquire();
    etcd.onKeepAlive = async () => 0;
    await clock.advance(2_000);
    expect(lossOf(lease)).toMatchObject({ kind: "gone", seen: 1_000, code: "ERR_LEASE_LOST" });
  });

  test("a keepalive that does not find the lease loses it at once", async () => {
    const lease = await acquire();
    etcd.onKeepAlive = async () => {
      throw new EtcdLeaseNotFoundError("no such lease");
    };
    await clock.advance(2_000);
    expect(lossOf(lease).kind).toBe("gone");
    expect(lossOf(lease).cause).toBeInstanceOf(EtcdLeaseNotFoundError);
  });

  test.each([
    ["is missing", []],
    ["has another create revision", [keyValue({ key: "/lock", createRevision: 6 })]],
    ["is on another lease", [keyValue({ key: "/lock", lease: "8" })]],
  ])("a lock that %s loses the lease at once", async (_, kvs) => {
    const lease = await acquire();
    etcd.onRange = async () => [keyValue({ key: "/lock" })];
    lease.prove({ key: "/lock", createRevision: 5 });
    await clock.advance(2_000);
    expect(lease.lost.aborted).toBe(false);
    etcd.onRange = async () => kvs;
    await clock.advance(2_000);
    expect(lossOf(lease).kind).toBe("proof-failed");
  });

  test.each([
    ["is missing", []],
    ["is on another lease", [keyValue({ lease: "8" })]],
    ["is on no lease", [keyValue({ lease: "0" })]],
  ])("a node key that %s loses the lease at once", async (_, kvs) => {
    const lease = await acquire();
    lease.prove({ key: "/node" });
    etcd.onRange = async () => kvs;
    await clock.advance(2_000);
    expect(lossOf(lease).kind).toBe("proof-failed");
  });

  test("a node key that was put again on the lease is still a proof", async () => {
    const lease = await acquire();
    etcd.onRange = async () => [keyValue({ createRevision: 9, modRevision: 12 })];
    lease.prove({ key: "/node" });
    await clock.advance(2_000);
    expect(lease.seen).toBe(3_000);
  });

  test("a refused user is tried again until the deadline", async () => {
    const lease = await acquire();
    etcd.onRange = async () => {
      throw new EtcdAuthError("invalid auth token");
    };
    await clock.advance(5_999);
    expect(lease.lost.aborted).toBe(false);
    await clock.advance(1);
    expect(lossOf(lease).cause).toBeInstanceOf(EtcdAuthError);
  });
});

describe("prove", () => {
  test("asks at once", async () => {
    const lease = await acquire();
    await clock.advance(500);
    etcd.onRange = async () => [keyValue()];
    lease.prove({ key: "/node" });
    await clock.advance(0);
    expect(etcd.calls.range).toMatchObject([{ key: "/node", at: 1_500 }]);
    expect(lease.seen).toBe(1_500);
  });

  test("reads the probe key while there is nothing to prove", async () => {
    const lease = await acquire({ probeKey: "/msdha/db/_ttl" });
    await clock.advance(2_000);
    etcd.onRange = async () => [keyValue()];
    lease.prove({ key: "/node" });
    await clock.advance(0);
    lease.prove(undefined);
    await clock.advance(0);
    expect(etcd.calls.range.map(({ key }) => key)).toEqual(["/msdha/db/_ttl", "/node", "/msdha/db/_ttl"]);
  });

  test("an answer to an older question does not fail the lease", async () => {
    const lease = await acquire();
    const older = Promise.withResolvers<[]>();
    etcd.onRange = ({ key }) =>
      key === "/node" ? older.promise : Promise.resolve([keyValue({ key: "/lock" })]);
    lease.prove({ key: "/node" });
    lease.prove({ key: "/lock", createRevision: 5 });
    older.resolve([]);
    await clock.advance(4_000);
    expect(lease.lost.aborted).toBe(false);
    expect(lease.seen).toBe(5_000);
  });

  test("an answer to an older question does not prove the lock", async () => {
    const lease = await acquire();
    const older = Promise.withResolvers<[ReturnType<typeof keyValue>]>();
    etcd.onRange = (call) => (call.key === "/node" ? older.promise : hang(call));
    await clock.advance(1_000);
    lease.prove({ key: "/node" });
    lease.prove({ key: "/lock", createRevision: 5 });
    older.resolve([keyValue()]);
    await clock.advance(100);
    expect(lease.seen).toBe(1_000);
  });

  test("a keepalive that was asked for earlier does not prove the lock", async () => {
    const lease = await acquire();
    etcd.onRange = hang;
    etcd.onKeepAlive = async () => {
      await clock.sleep(500);
      return 6;
    };
    await clock.advance(2_000);
    lease.prove({ key: "/lock", createRevision: 5 });
    await clock.advance(600);
    expect(lease.seen).toBe(1_000);
  });
});

test("a read that was not about the lock does not prove it together with a later keepalive", async () => {
  const lease = await acquire();
  etcd.onKeepAlive = unavailable;
  await clock.advance(2_000);
  etcd.onRange = hang;
  etcd.onKeepAlive = async () => 6;
  lease.prove({ key: "/lock", createRevision: 5 });
  await clock.advance(1_000);
  expect(lease.seen).toBe(1_000);
});

describe("onProof", () => {
  test("is called on every advance, before the new time can be read, and not for the grant", async () => {
    const told: [number, number | undefined][] = [];
    let lease: Lease | undefined;
    lease = await acquire({ onProof: (seen) => told.push([seen, lease?.seen]) });
    await clock.advance(4_000);
    expect(told).toEqual([
      [3_000, 1_000],
      [5_000, 3_000],
    ]);
  });

  test("a proof whose call throws does not count", async () => {
    const cause = new Error("the guard is gone");
    const lease = await acquire({
      onProof: () => {
        throw cause;
      },
    });
    await clock.advance(6_000);
    expect(lossOf(lease)).toMatchObject({ kind: "expired", seen: 1_000, cause });
  });
});

describe("release", () => {
  test("revokes the lease and leaves nothing running", async () => {
    const lease = await acquire();
    await clock.advance(2_000);
    await lease.release();
    await lease[Symbol.asyncDispose]();
    expect(etcd.calls.revoke).toHaveLength(1);
    expect(clock.sleeping).toBe(0);
    await clock.advance(20_000);
    expect(etcd.calls.keepAlive).toHaveLength(1);
    expect(lease.lost.aborted).toBe(false);
    expect(() => lease.throwIfLost()).toThrow(expect.objectContaining({ kind: "released" }));
  });

  test("during a round makes its answers mean nothing", async () => {
    const lease = await acquire();
    const answer = Promise.withResolvers<[]>();
    etcd.onRange = () => answer.promise;
    lease.prove({ key: "/node" });
    await clock.advance(2_000);
    await lease.release();
    answer.resolve([]);
    await clock.advance(10_000);
    expect(lease.lost.aborted).toBe(false);
  });

  test("resolves when the lease could not be revoked", async () => {
    const lease = await acquire();
    etcd.onRevoke = unavailable;
    await lease.release();
    expect(etcd.calls.revoke).toMatchObject([{ timeoutMs: 2_000 }]);
  });

  test("asks etcd nothing when the lease is gone, but does when it has only expired here", async () => {
    const gone = await acquire();
    etcd.onKeepAlive = async () => 0;
    await clock.advance(2_000);
    await gone.release();
    expect(etcd.calls.revoke).toHaveLength(0);
    const expired = await acquire();
    etcd.onKeepAlive = hang;
    await clock.advance(6_000);
    await expired.release();
    expect(etcd.calls.revoke).toHaveLength(1);
  });

  test("does not follow from a later abort of the signal, which ends the attempt alone", async () => {
    const stop = new AbortController();
    const lease = await acquire({ signal: stop.signal });
    stop.abort(new Error("stop"));
    await clock.advance(60_000);
    expect(etcd.calls.revoke).toHaveLength(0);
    lease.throwIfLost();
  });
});

describe("the grant", () => {
  test("is tried again while etcd can't be reached", async () => {
    etcd.onGrant = unavailable;
    const acquiring = acquire();
    await clock.advance(450);
    etcd.onGrant = async () => ({ id: "9", ttlSeconds: 6 });
    await clock.advance(100);
    const lease = await acquiring;
    expect(lease.id).toBe("9");
    expect(lease.seen).toBe(1_500);
  });

  test("fails after two times to live", async () => {
    etcd.onGrant = async (call) => {
      await clock.sleep(call.timeoutMs);
      throw new EtcdUnavailableError("no answer");
    };
    const acquiring = acquire();
    acquiring.catch(() => {});
    await clock.advance(12_000);
    await expect(acquiring).rejects.toThrow(EtcdUnavailableError);
    expect(clock.sleeping).toBe(0);
  });

  test("is refused at once to a user that etcd refuses", async () => {
    etcd.onGrant = async () => {
      throw new EtcdAuthError("wrong password");
    };
    await expect(acquire()).rejects.toThrow(EtcdAuthError);
    expect(etcd.calls.grant).toHaveLength(1);
  });

  test("counts from the request, and one that took over half of its time is asked for again", async () => {
    etcd.onGrant = async ({ at }) => {
      await clock.sleep(at === 1_000 ? 3_001 : 1_000);
      return { id: String(at), ttlSeconds: 6 };
    };
    const acquiring = acquire();
    await clock.advance(10_000);
    expect(await acquiring).toMatchObject({ id: "4101" });
  });

  test("ends with the reason of the signal", async () => {
    etcd.onGrant = hang;
    const stop = new AbortController();
    const acquiring = acquire({ signal: stop.signal });
    acquiring.catch(() => {});
    await clock.advance(100);
    stop.abort(new Error("stop"));
    await expect(acquiring).rejects.toThrow("stop");
    expect(clock.sleeping).toBe(0);
  });

  test("that arrives after an abort is revoked", async () => {
    const stop = new AbortController();
    etcd.onGrant = async () => {
      stop.abort(new Error("stop"));
      return { id: "7", ttlSeconds: 6 };
    };
    await expect(acquire({ signal: stop.signal })).rejects.toThrow("stop");
    expect(etcd.calls.revoke).toHaveLength(1);
    expect(clock.sleeping).toBe(0);
  });

  test.each([0, -1, 1.5, Number.NaN])("a time to live of %s is refused", async (ttlSeconds) => {
    await expect(acquire({ ttlSeconds })).rejects.toThrow(TypeError);
  });

  test.each([undefined, "", 7])("a probe key of %j is refused, and named", async (probeKey) => {
    await expect(acquire({ probeKey: probeKey as string })).rejects.toThrow(
      `expected probeKey as a key that etcd's user may read, got ${JSON.stringify(probeKey)}`,
    );
  });
});

/** Has the clock say a later time without letting any sleep end, as when the event loop is blocked. */
function blockUntil(manual: ManualClock, time: number): { undo(): void } {
  const now = manual.now;
  Object.assign(manual, { now: () => time });
  return { undo: () => Object.assign(manual, { now }) };
}
