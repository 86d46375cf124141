import { createManualClock } from "@msdha/clock";
import type { EtcdApi } from "@msdha/etcd-client";
import { settle } from "@msdha/etcd-lock";
import { createSimulatedEtcd } from "@msdha/etcd-simulated";
import { expect, test } from "vitest";
import { followGroup } from "./follow-group.ts";
import { groupKeys } from "./keys.ts";
import type { MasterLock } from "./master-lock.ts";

const keys = groupKeys("db");

/** The same etcd, whose watches leave out the events that come while `swallows` says so. The streams stay unbroken. */
function swallowEvents(etcd: EtcdApi, swallows: () => boolean): EtcdApi {
  return {
    ...etcd,
    watch(request, options) {
      const stream = etcd.watch(request, options);
      return {
        requestProgress: () => stream.requestProgress(),
        async *[Symbol.asyncIterator]() {
          for await (const message of stream) yield swallows() ? { ...message, events: [] } : message;
        },
      };
    },
  };
}

async function setUp() {
  const clock = createManualClock();
  const etcd = createSimulatedEtcd({ clock });
  const stop = new AbortController();
  const client = etcd.connect();
  const follow = async ({ swallows = () => false }: { readonly swallows?: () => boolean } = {}) => {
    const follower = followGroup(swallowEvents(client, swallows), "db", { clock, signal: stop.signal });
    await clock.advance(0);
    return follower;
  };
  const take = (takenAfter: MasterLock["takenAfter"] = "wait"): MasterLock => {
    const record = etcd.store.get(keys.ttl)?.modRevision ?? 0;
    etcd.store.put(keys.lock, JSON.stringify({ node: "a", takenAfter, record }));
    etcd.store.put(keys.ttl, "3");
    const token = etcd.store.get(keys.lock)?.createRevision ?? 0;
    return {
      token,
      lease: "0",
      takenAfter,
      waitFrom: clock.now(),
      waitMs: takenAfter === "wait" ? 6_000 : 0,
    };
  };
  const turnTime = async (
    follower: Awaited<ReturnType<typeof follow>>,
    lock: MasterLock,
  ): Promise<number> => {
    let at = Number.NaN;
    void settle(follower, lock, { clock, signal: stop.signal }).then(() => {
      at = clock.now();
    });
    await clock.advance(60_000);
    return at;
  };
  return { clock, etcd, client, follow, take, turnTime, stop };
}

test("comes after the whole wait when the lock was held until it was taken", async () => {
  const { clock, etcd, follow, take, turnTime } = await setUp();
  take();
  const follower = await follow();
  await clock.advance(5_000);
  etcd.store.delete(keys.lock);
  await clock.advance(0);
  const lock = take();
  expect(await turnTime(follower, lock)).toBe(11_000);
});

test("comes earlier by as long as the lock was seen to be free", async () => {
  const { clock, follow, take, turnTime } = await setUp();
  const follower = await follow();
  await clock.advance(4_000);
  const lock = take();
  expect(await turnTime(follower, lock)).toBe(6_000);
});

test("comes at once when the lock was seen to be free for longer than the wait", async () => {
  const { clock, follow, take, turnTime } = await setUp();
  const follower = await follow();
  await clock.advance(40_000);
  expect(await turnTime(follower, take())).toBe(40_000);
});

test("counts from the newest time when somebody held the lock in between", async () => {
  const { clock, etcd, follow, take, turnTime } = await setUp();
  const follower = await follow();
  await clock.advance(1_000);
  take();
  await clock.advance(1_000);
  etcd.store.delete(keys.lock);
  await clock.advance(1_000);
  expect(await turnTime(follower, take())).toBe(8_000);
});

test("does not believe a watch that has not told of the take itself", async () => {
  const { clock, etcd, follow, take } = await setUp();
  const follower = await follow();
  await clock.advance(4_000);
  const lock = { ...take(), token: 1_000 };
  let come = false;
  void settle(follower, lock, { clock, signal: new AbortController().signal }).then(() => {
    come = true;
  });
  await clock.advance(5_999);
  expect([come, etcd.store.get(keys.lock) !== undefined]).toEqual([false, true]);
  await clock.advance(1);
  expect(come).toBe(true);
});

test("counts nothing from before the watch was broken by a restore that it does not notice", async () => {
  const { clock, etcd, client, follow, take, turnTime } = await setUp();
  take();
  const snapshot = etcd.store.save();
  const follower = await follow();
  etcd.store.delete(keys.lock);
  await clock.advance(1_000);
  client.onRequest = () => "reset";
  etcd.store.restore(snapshot);
  // Who holds the lock again goes on as the master, out of this node's sight.
  await clock.advance(3_500);
  etcd.store.delete(keys.lock);
  etcd.store.put(keys.node("b"), "ready");
  client.onRequest = undefined;
  await clock.advance(1_000);
  const lock = take();
  expect(lock.token).toBeGreaterThan(follower.view.revision);
  expect(await turnTime(follower, lock)).toBe(clock.now() - 60_000 + 6_000);
});

test("counts nothing from before a take that the watch has missed", async () => {
  const { clock, etcd, follow, take, turnTime } = await setUp();
  let swallow = false;
  const follower = await follow({ swallows: () => swallow });
  await clock.advance(10_000);
  swallow = true;
  take();
  await clock.advance(100);
  etcd.store.delete(keys.lock);
  await clock.advance(100);
  swallow = false;
  const taken = clock.now();
  expect(await turnTime(follower, take())).toBe(taken + 6_000);
});

test("counts nothing from before an answer that named another holder", async () => {
  const { clock, follow, take, turnTime } = await setUp();
  const follower = await follow();
  await clock.advance(10_000);
  follower.doubtFreeLock();
  expect(await turnTime(follower, take())).toBe(16_000);
});

test("comes at once after a clean hand-over", async () => {
  const { follow, take, turnTime } = await setUp();
  expect(await turnTime(await follow(), take("handover"))).toBe(0);
});

test("ends with the reason of its signal", async () => {
  const { follow, take, stop, clock } = await setUp();
  const follower = await follow();
  const waiting = settle(follower, take(), { clock, signal: stop.signal });
  const outcome = expect(waiting).rejects.toThrow("enough");
  stop.abort(new Error("enough"));
  await outcome;
});

test("takes nobody else's lock for its own, though a restored etcd gave both the same token", async () => {
  const { clock, follow, take, turnTime } = await setUp();
  const follower = await follow();
  await clock.advance(4_000);
  const others = take();
  await clock.advance(4_000);
  const ours: MasterLock = { ...others, lease: "7", waitFrom: clock.now() };
  expect(await turnTime(follower, ours)).toBe(14_000);
});
