import { createManualClock, type ManualClock } from "@msdha/clock";
import { EtcdAuthError, EtcdUnavailableError, type WatchEvent } from "@msdha/etcd-client";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createFakeEtcd, type FakeEtcd, type FakeStream } from "../test/fake-etcd.ts";
import type { WatchBatch, WatchChanges } from "./batch.ts";
import { watchPrefix } from "./watch-prefix.ts";

const broken = new EtcdUnavailableError("connection reset");

let clock: ManualClock;
let etcd: FakeEtcd;
let stop: AbortController;
let told: WatchBatch[];
let health: [boolean, string | undefined][];
let ended: unknown;
const unhandled: unknown[] = [];
const noteUnhandled = (reason: unknown): void => {
  unhandled.push(reason);
};

beforeEach(() => {
  clock = createManualClock();
  etcd = createFakeEtcd();
  stop = new AbortController();
  told = [];
  health = [];
  ended = undefined;
  unhandled.length = 0;
  process.on("unhandledRejection", noteUnhandled);
});

afterEach(async () => {
  stop.abort(new Error("the test is over"));
  await clock.advance(0);
  process.off("unhandledRejection", noteUnhandled);
  expect(unhandled).toEqual([]);
  expect(clock.sleeping).toBe(0);
  expect(etcd.streams.filter(({ open }) => open)).toEqual([]);
});

function watch(prefix = "/p/"): AsyncGenerator<WatchBatch, never, void> {
  return watchPrefix(etcd.api, prefix, {
    clock,
    signal: stop.signal,
    onHealth: (up, why) => health.push([up, why?.message]),
  });
}

/** Watches into `told`. */
async function start(): Promise<void> {
  const consume = async (): Promise<void> => {
    for await (const batch of watch()) told.push(batch);
  };
  consume().catch((error: unknown) => {
    ended = error;
  });
  await clock.advance(0);
}

const lastStream = (): FakeStream => etcd.streams.at(-1) as FakeStream;
/**
 * Starts the watch and writes a key that a snapshot from before does not have. Returns a function that restores the snapshot
 * and writes other keys, so that the revisions that were told are reached again.
 */
async function saveAndWriteMore(): Promise<() => void> {
  const saved = etcd.save();
  await start();
  etcd.write({ put: "/p/b", value: "lost" });
  await clock.advance(0);
  return () => {
    etcd.restore(saved);
    etcd.write({ put: "/p/c", value: "new" });
    etcd.write({ put: "/p/d", value: "new" });
  };
}

const lastChanges = (): WatchChanges => told.at(-1) as WatchChanges;
const changes = (): WatchEvent[] => told.flatMap((batch) => (batch.type === "changes" ? batch.events : []));
const words = (events: readonly WatchEvent[]): string[] =>
  events.map(({ type, kv }) => `${type} ${kv.key}${type === "PUT" ? `=${kv.value}` : ""} @${kv.modRevision}`);

describe("following", () => {
  test("tells the state of the prefix first, then every change after it", async () => {
    etcd.write({ put: "/p/a", value: "1" }, { put: "/q/a" });
    await start();
    etcd.write({ put: "/p/a", value: "2" }, { put: "/p/b", value: "1" });
    etcd.write({ put: "/q/a" });
    etcd.write({ delete: "/p/a" });
    await clock.advance(0);
    expect(told[0]).toMatchObject({ type: "snapshot", revision: 2, kvs: [{ key: "/p/a", value: "1" }] });
    expect(told.slice(1)).toMatchObject([
      { type: "changes", revision: 3, resync: false, restored: false },
      { type: "changes", revision: 5, resync: false, restored: false },
    ]);
    expect(words(changes())).toEqual(["PUT /p/a=2 @3", "PUT /p/b=1 @3", "DELETE /p/a @5"]);
  });

  test("goes on after the last revision that was told, whatever headers said", async () => {
    await start();
    etcd.write({ put: "/p/a" });
    lastStream().send({ revision: 900 });
    await clock.advance(0);
    lastStream().fail(broken);
    etcd.write({ put: "/p/b" });
    await clock.advance(50);
    expect(etcd.streams.map(({ request }) => request.startRevision)).toEqual([1, 2]);
    expect(words(changes())).toEqual(["PUT /p/a= @2", "PUT /p/b= @3"]);
  });

  test("says which batch is the first of another stream than the one before it", async () => {
    await start();
    etcd.write({ put: "/p/a" });
    await clock.advance(0);
    lastStream().fail(broken);
    await clock.advance(50);
    etcd.write({ put: "/p/b" });
    etcd.write({ put: "/p/c" });
    await clock.advance(0);
    lastStream().fail(broken);
    await clock.advance(50);
    lastStream().fail(broken);
    etcd.write({ put: "/p/d" });
    await clock.advance(1_000);
    expect(told.slice(1)).toMatchObject([
      { revision: 2, resumed: false },
      { revision: 3, resumed: true },
      { revision: 4, resumed: false },
      { revision: 5, resumed: true },
    ]);
  });

  test("does not miss a deletion when etcd is compacted at that very revision", async () => {
    etcd.write({ put: "/p/a" });
    await start();
    lastStream().fail(broken);
    etcd.write({ delete: "/p/a" });
    etcd.compact();
    await clock.advance(1_000);
    expect(words(changes())).toEqual(["DELETE /p/a @3"]);
    expect(lastChanges()).toMatchObject({ resync: true, restored: false });
  });

  test("tells nothing twice when a member that lags repeats events", async () => {
    await start();
    etcd.write({ put: "/p/a" });
    etcd.write({ put: "/p/b" });
    await clock.advance(0);
    lastStream().send({ events: etcd.history.slice(0, 2) });
    etcd.write({ put: "/p/c" });
    await clock.advance(0);
    expect(words(changes())).toEqual(["PUT /p/a= @2", "PUT /p/b= @3", "PUT /p/c= @4"]);
  });

  test("loses nothing for a consumer that is slow, across a broken stream", async () => {
    const batches = watch();
    const first = batches.next();
    await clock.advance(0);
    expect((await first).value).toMatchObject({ type: "snapshot" });
    for (let n = 0; n < 100; n += 1) etcd.write({ put: `/p/${n}` });
    await clock.advance(20_000);
    lastStream().fail(broken);
    for (let n = 100; n < 200; n += 1) etcd.write({ put: `/p/${n}` });
    await clock.advance(20_000);
    const keys: string[] = [];
    while (keys.length < 200) {
      const { value } = await batches.next();
      keys.push(...(value as WatchChanges).events.map(({ kv }) => kv.key));
    }
    expect(keys).toEqual(Array.from({ length: 200 }, (_, n) => `/p/${n}`));
  });

  test("asks etcd nothing before it is asked for the first batch", async () => {
    watch();
    await clock.advance(10_000);
    expect(etcd.ranges).toEqual([]);
  });
});

describe("a broken stream", () => {
  test("is opened again after 50 ms, then after twice as long each time, up to a second", async () => {
    await start();
    const times: number[] = [];
    const fails =
      (failing: "range" | "watch") =>
      (method: "range" | "watch"): void => {
        if (method !== failing) return;
        times.push(clock.now());
        throw broken;
      };
    etcd.onCall = fails("watch");
    lastStream().fail(broken);
    await clock.advance(2_000);
    etcd.onCall = fails("range");
    await clock.advance(3_000);
    expect(times).toEqual([50, 150, 350, 750, 1_550, 2_550, 3_550, 4_550]);
  });

  test("is opened again after 50 ms each time as long as it brings something", async () => {
    await start();
    for (let n = 0; n < 20; n += 1) {
      etcd.write({ put: `/p/${n}` });
      await clock.advance(0);
      lastStream().fail(broken);
      await clock.advance(50);
      expect(etcd.streams).toHaveLength(n + 2);
    }
    expect(changes()).toHaveLength(20);
  });

  test("is no news for the health by itself", async () => {
    await start();
    await clock.advance(2_000);
    lastStream().fail(broken);
    await clock.advance(50);
    expect(health).toEqual([[true, undefined]]);
  });

  test("is bad health after the second failure in a row, told once, until it is followed again", async () => {
    await start();
    await clock.advance(2_000);
    etcd.onCall = () => {
      throw broken;
    };
    lastStream().fail(broken);
    await clock.advance(10_000);
    etcd.onCall = () => {};
    await clock.advance(1_000);
    expect(health).toEqual([
      [true, undefined],
      [false, broken.message],
      [true, undefined],
    ]);
  });

  test("is followed by reads of longer and longer limits, so that the second failure is soon known", async () => {
    await start();
    await clock.advance(2_000);
    etcd.onCall = () => {
      throw broken;
    };
    const before = etcd.ranges.length;
    lastStream().fail(broken);
    await clock.advance(5_000);
    const limits = etcd.ranges.slice(before).map(({ timeoutMs }) => timeoutMs);
    expect(limits.slice(0, 6)).toEqual([1_000, 2_000, 4_000, 8_000, 10_000, 10_000]);
  });

  test("before the first state is tried again too", async () => {
    etcd.onCall = () => {
      throw broken;
    };
    await start();
    await clock.advance(3_000);
    expect(health).toEqual([[false, broken.message]]);
    etcd.onCall = () => {};
    await clock.advance(1_000);
    expect(told).toMatchObject([{ type: "snapshot" }]);
  });
});

describe("a silent stream", () => {
  test("is given up one interval after it was asked for progress, and nothing is missed", async () => {
    await start();
    lastStream().silent = true;
    etcd.write({ put: "/p/a" });
    await clock.advance(9_999);
    expect(etcd.streams).toHaveLength(1);
    expect(lastStream().asked).toBeGreaterThan(0);
    await clock.advance(1);
    expect(etcd.streams[0]?.open).toBe(false);
    expect(health.at(-1)).toEqual([false, "no sign of life for 5000 ms"]);
    await clock.advance(50);
    expect(words(changes())).toEqual(["PUT /p/a= @2"]);
    expect(health.at(-1)).toEqual([true, undefined]);
  });

  test("that was given up is not listened to any more", async () => {
    await start();
    const first = lastStream();
    first.silent = true;
    first.deaf = true;
    await clock.advance(10_050);
    first.silent = false;
    lastStream().silent = true;
    etcd.write({ put: "/p/a" });
    etcd.write({ put: "/p/b" });
    await clock.advance(0);
    expect(etcd.streams).toHaveLength(2);
    expect(changes()).toEqual([]);
    await clock.advance(20_000);
    expect(words(changes())).toEqual(["PUT /p/a= @2", "PUT /p/b= @3"]);
    first.deaf = false;
    first.fail(broken);
  });

  test("that answers requests for progress is kept", async () => {
    await start();
    await clock.advance(600_000);
    expect(etcd.streams).toHaveLength(1);
    expect(lastStream().asked).toBe(120);
  });

  test("that does not open is given up after one interval", async () => {
    etcd.hangOpens = true;
    await start();
    await clock.advance(5_000);
    expect(etcd.streams[0]?.open).toBe(false);
    etcd.hangOpens = false;
    await clock.advance(50);
    expect(lastStream().open).toBe(true);
  });

  test.each([5_000, 60_000])(
    "is given up when its member answers but is behind what a quorum knows, after %i ms",
    async (afterMs) => {
      await start();
      await clock.advance(afterMs);
      lastStream().stuckAt = etcd.revision;
      etcd.write({ put: "/p/a" });
      await clock.advance(15_050);
      expect(etcd.streams[0]?.open).toBe(false);
      expect(words(changes())).toEqual(["PUT /p/a= @2"]);
      expect(told).toMatchObject([{}, { resync: false }]);
    },
  );

  test("is kept when its member is a little behind each time", async () => {
    await start();
    for (let n = 0; n < 20; n += 1) {
      lastStream().stuckAt = etcd.revision;
      etcd.write({ put: "/q/a" });
      await clock.advance(5_000);
    }
    expect(etcd.streams).toHaveLength(1);
  });

  test("is kept while its member is behind but tells events", async () => {
    await start();
    for (let n = 0; n < 20; n += 1) etcd.write({ put: "/p/a" });
    await clock.advance(0);
    lastStream().fail(broken);
    for (let n = 0; n < 20; n += 1) etcd.write({ put: "/p/a" });
    etcd.revisionsPerMessage = 0;
    etcd.hangOpens = true;
    await clock.advance(50);
    Object.assign(lastStream(), { silent: false, stuckAt: 21 });
    lastStream().send({ revision: 21, created: true });
    for (const event of etcd.history.slice(20)) {
      lastStream().send({ revision: event.kv.modRevision, events: [event] });
      await clock.advance(4_000);
    }
    expect(etcd.streams).toHaveLength(2);
    expect(changes()).toHaveLength(40);
  });

  test("is kept when the revisions of others go on and its member keeps up", async () => {
    await start();
    for (let n = 0; n < 100; n += 1) {
      etcd.write({ put: "/q/a" });
      await clock.advance(1_000);
    }
    expect(etcd.streams).toHaveLength(1);
  });

  test("is judged by its answers alone while reads fail or hang", async () => {
    await start();
    etcd.onCall = (method) => {
      if (method === "range") throw broken;
    };
    await clock.advance(30_000);
    etcd.onCall = () => {};
    etcd.hangRanges = true;
    await clock.advance(30_000);
    expect(etcd.streams).toHaveLength(1);
  });
});

describe("a compacted history", () => {
  test("is made good by a fresh read whose difference is told", async () => {
    etcd.write({ put: "/p/a", value: "1" }, { put: "/p/b" }, { put: "/p/c" });
    await start();
    lastStream().fail(broken);
    etcd.write({ put: "/p/a", value: "2" });
    etcd.write({ put: "/p/a", value: "1" });
    etcd.write({ delete: "/p/b" });
    etcd.write({ put: "/p/d" });
    etcd.write({ delete: "/p/d" });
    etcd.compact();
    await clock.advance(100);
    expect(lastChanges()).toMatchObject({ revision: 7, resync: true, restored: false });
    expect(words(lastChanges().events)).toEqual(["DELETE /p/b @7", "PUT /p/a=1 @4"]);
    etcd.write({ put: "/p/e" });
    await clock.advance(0);
    expect(words(lastChanges().events)).toEqual(["PUT /p/e= @8"]);
    expect(health).toEqual([[true, undefined]]);
  });

  test("is told even if nothing differs, since steps may be missing", async () => {
    await start();
    lastStream().fail(broken);
    etcd.write({ put: "/q/a" });
    etcd.compact();
    await clock.advance(100);
    expect(lastChanges()).toEqual({
      type: "changes",
      revision: 2,
      events: [],
      resync: true,
      restored: false,
      resumed: false,
    });
  });

  test("between the first read and the first stream leads to a fresh read", async () => {
    let compacted = false;
    etcd.onCall = (method) => {
      if (method === "range" || compacted) return;
      compacted = true;
      etcd.write({ put: "/p/a" });
      etcd.compact();
    };
    await start();
    await clock.advance(50);
    expect(told).toMatchObject([{ type: "snapshot" }, { type: "changes", resync: true, restored: false }]);
  });
});

describe("a restored etcd", () => {
  test("with a lower revision is noticed as soon as the stream is open again", async () => {
    etcd.write({ put: "/p/a", value: "1" });
    const saved = etcd.save();
    await start();
    etcd.write({ put: "/p/a", value: "2" });
    etcd.write({ put: "/p/b" });
    await clock.advance(0);
    etcd.restore(saved);
    await clock.advance(100);
    expect(lastChanges()).toMatchObject({ revision: 2, resync: true, restored: true });
    expect(words(lastChanges().events)).toEqual(["DELETE /p/b @2", "PUT /p/a=1 @2"]);
    etcd.write({ put: "/p/c" });
    await clock.advance(0);
    expect(words(lastChanges().events)).toEqual(["PUT /p/c= @3"]);
  });

  test("that has reached the told revision again by other writes is noticed before a stream is followed", async () => {
    etcd.write({ put: "/p/a", value: "1" });
    const restore = await saveAndWriteMore();
    restore();
    await clock.advance(100);
    expect(told.slice(2)).toMatchObject([{ revision: 4, resync: true, restored: true }]);
    expect(words(lastChanges().events)).toEqual(["DELETE /p/b @4", "PUT /p/c=new @3", "PUT /p/d=new @4"]);
  });

  test("that has reached the told revision again by deletions is noticed before a stream is followed", async () => {
    etcd.write({ put: "/p/b", value: "1" });
    const saved = etcd.save();
    await start();
    etcd.write({ put: "/p/a", value: "lost" });
    await clock.advance(0);
    const emitted = told.length;
    etcd.restore(saved);
    etcd.write({ delete: "/p/b" });
    await clock.advance(100);
    expect(told.slice(emitted)).toMatchObject([{ resync: true, restored: true }]);
    expect(words(lastChanges().events)).toEqual([
      expect.stringContaining("DELETE /p/a"),
      expect.stringContaining("DELETE /p/b"),
    ]);
  });

  test("is noticed within some intervals where the prefix is too large to be read before each stream", async () => {
    etcd.write({ put: "/p/large", value: "x".repeat(300_000) });
    const restore = await saveAndWriteMore();
    restore();
    await clock.advance(100);
    expect(told.filter((batch) => batch.type === "changes" && batch.restored)).toHaveLength(0);
    await clock.advance(20_000);
    expect(told.filter((batch) => batch.type === "changes" && batch.restored)).toHaveLength(1);
  });

  test("is noticed before a stream is followed if a value alone differs", async () => {
    const saved = etcd.save();
    await start();
    etcd.write({ put: "/p/a", value: "lost" });
    await clock.advance(0);
    etcd.restore(saved);
    etcd.write({ put: "/p/a", value: "new" });
    await clock.advance(100);
    expect(told.slice(2)).toMatchObject([{ revision: 2, resync: true, restored: true }]);
    expect(words(lastChanges().events)).toEqual(["PUT /p/a=new @2"]);
  });

  test("is noticed within some intervals if it was restored after the read before a stream", async () => {
    etcd.write({ put: "/p/a", value: "1" });
    const restore = await saveAndWriteMore();
    let reads = 0;
    etcd.onAnswer = async () => {
      reads += 1;
      // The first one only looks how much there is.
      if (reads < 2) return;
      etcd.onAnswer = async () => {};
      restore();
    };
    lastStream().fail(broken);
    await clock.advance(16_000);
    expect(told.filter((batch) => batch.type === "changes" && batch.restored)).toHaveLength(1);
    expect(words(lastChanges().events)).toEqual(["DELETE /p/b @4", "PUT /p/c=new @3"]);
  });

  test("is noticed even if all that differs is a key that is missing now", async () => {
    const saved = etcd.save();
    await start();
    etcd.write({ put: "/p/a" });
    await clock.advance(0);
    etcd.restore(saved);
    etcd.write({ put: "/q/a" });
    await clock.advance(16_000);
    expect(lastChanges()).toMatchObject({ resync: true, restored: true });
    expect(words(lastChanges().events)).toEqual(["DELETE /p/a @2"]);
  });

  test("is noticed by a compaction's fresh read too", async () => {
    etcd.write({ put: "/p/a", value: "1" });
    const saved = etcd.save();
    await start();
    etcd.write({ put: "/p/a", value: "2" });
    await clock.advance(0);
    etcd.restore(saved);
    for (let n = 0; n < 5; n += 1) etcd.write({ put: "/q/a" });
    etcd.compact();
    await clock.advance(100);
    expect(lastChanges()).toMatchObject({ resync: true, restored: true });
    expect(words(lastChanges().events)).toEqual(["PUT /p/a=1 @2"]);
  });

  test("is not seen in a member that is only behind", async () => {
    await start();
    for (let n = 0; n < 5; n += 1) etcd.write({ put: "/p/a", value: String(n) });
    await clock.advance(0);
    lastStream().fail(broken);
    await clock.advance(50);
    lastStream().send({ revision: 2, events: etcd.history.slice(0, 2) });
    await clock.advance(60_000);
    expect(etcd.streams).toHaveLength(2);
    expect(changes()).toHaveLength(5);
    expect(told.some((batch) => batch.type === "changes" && batch.resync)).toBe(false);
  });

  test("is not seen in a read whose answer is overtaken by an event", async () => {
    await start();
    await clock.advance(2_000);
    lastStream().fail(broken);
    const overtaken = Promise.withResolvers<void>();
    etcd.onAnswer = () => overtaken.promise;
    await clock.advance(50);
    etcd.write({ put: "/p/a" });
    await clock.advance(0);
    overtaken.resolve();
    etcd.onAnswer = async () => {};
    await clock.advance(30_000);
    expect(etcd.streams).toHaveLength(2);
    expect(told).toMatchObject([{ type: "snapshot" }, { resync: false }]);
  });
});

describe("an event that is missing from an unbroken stream", () => {
  const whole = (): number => etcd.ranges.filter(({ prefix }) => prefix).length;

  test.each([
    ["a put", () => etcd.write({ put: "/p/b", value: "1" }), ["PUT /p/b=1 @3"]],
    ["a put of a key that was there", () => etcd.write({ put: "/p/a", value: "2" }), ["PUT /p/a=2 @3"]],
    ["a deletion", () => etcd.write({ delete: "/p/a" }), ["DELETE /p/a @3"]],
  ])("is made up for within three intervals in which nothing else happens: %s", async (_what, act, due) => {
    etcd.write({ put: "/p/a", value: "1" });
    await start();
    etcd.swallows = () => true;
    act();
    etcd.swallows = () => false;
    await clock.advance(15_000);
    expect(words(changes())).toEqual([]);
    await clock.advance(5_100);
    expect(words(lastChanges().events)).toEqual(due);
    expect(lastChanges()).toMatchObject({ resync: true, restored: true });
  });

  test("is made up for while something happens all the time", async () => {
    await start();
    etcd.swallows = ({ kv }) => kv.key === "/p/b";
    etcd.write({ put: "/p/b", value: "1" });
    for (let n = 0; n < 110; n += 1) {
      etcd.write({ put: "/p/a", value: String(n) });
      await clock.advance(100);
    }
    expect(words(changes())).toContain("PUT /p/b=1 @2");
  });

  const answerAfter = (ms: number) => (): Promise<void> =>
    clock.sleep(ms, { signal: stop.signal }).catch(() => {});

  test("is looked for once an interval, and more rarely where the whole prefix takes long to read", async () => {
    await start();
    await clock.advance(60_000);
    expect(whole()).toBe(13);
    etcd.onAnswer = answerAfter(300);
    await clock.advance(300_000);
    expect(whole()).toBe(13 + 10);
  });

  test("is looked for by the only read of an interval, unless that takes long", async () => {
    await start();
    await clock.advance(60_000);
    const asked = etcd.ranges.length;
    await clock.advance(50_000);
    expect(etcd.ranges.length - asked).toBe(10);
    etcd.onAnswer = answerAfter(300);
    await clock.advance(5_000); // the last one that is expected to be quick
    const slow = etcd.ranges.length;
    const wholeBefore = whole();
    await clock.advance(60_000);
    expect([whole() - wholeBefore, etcd.ranges.length - slow]).toEqual([2, 2 + 12]);
  });

  test("is made up for within twelve intervals and what noticing takes, however long the read took", async () => {
    await start();
    etcd.onAnswer = answerAfter(2_400);
    await clock.advance(8_000);
    etcd.onAnswer = async () => {};
    etcd.swallows = () => true;
    etcd.write({ put: "/p/b", value: "1" });
    await clock.advance(12 * 5_000 + 15_000);
    expect(words(lastChanges().events)).toEqual(["PUT /p/b=1 @2"]);
  });

  test("is looked for an interval after a read that failed at the end of its time", async () => {
    await start();
    etcd.onAnswer = async () => {
      await answerAfter(2_500)();
      throw new EtcdUnavailableError("no answer in time");
    };
    await clock.advance(8_000);
    etcd.onAnswer = async () => {};
    const asked = whole();
    await clock.advance(5_000);
    expect([whole() - asked, etcd.streams.length]).toEqual([1, 1]);
  });

  test("is not seen where the watch tells of a change only after a read has shown it", async () => {
    await start();
    lastStream().holdBack = true;
    etcd.write({ put: "/p/a" });
    await clock.advance(8_000);
    lastStream().holdBack = false;
    await clock.advance(60_000);
    expect(told).toMatchObject([{ type: "snapshot" }, { resync: false }]);
    expect(etcd.streams).toHaveLength(1);
  });
});

describe("the end", () => {
  test("comes at once with the reason of the signal, while a batch is waited for", async () => {
    await start();
    const reason = new Error("stop");
    stop.abort(reason);
    expect(clock.sleeping).toBe(0);
    await clock.advance(0);
    expect(ended).toBe(reason);
  });

  test("comes at once while the next stream is waited for", async () => {
    await start();
    etcd.onCall = () => {
      throw broken;
    };
    lastStream().fail(broken);
    await clock.advance(3_000);
    stop.abort(new Error("stop"));
    await clock.advance(0);
    expect(ended).toMatchObject({ message: "stop" });
    expect(clock.sleeping).toBe(0);
  });

  test("comes at once while a read hangs", async () => {
    etcd.hangRanges = true;
    await start();
    stop.abort(new Error("stop"));
    await clock.advance(0);
    expect(ended).toMatchObject({ message: "stop" });
  });

  test("comes when the loop is left, and closes the stream", async () => {
    etcd.write({ put: "/p/a" });
    for await (const batch of watch()) {
      expect(batch.type).toBe("snapshot");
      await clock.advance(0);
      break;
    }
    await clock.advance(0);
    expect(etcd.streams).toMatchObject([{ open: false }]);
    expect(clock.sleeping).toBe(0);
  });

  test("does not come from a refused token that is renewed", async () => {
    await start();
    etcd.onCall = () => {
      throw new EtcdAuthError("invalid auth token");
    };
    lastStream().fail(new EtcdAuthError("invalid auth token"));
    await clock.advance(9_000);
    etcd.onCall = () => {};
    await clock.advance(1_000);
    etcd.write({ put: "/p/a" });
    await clock.advance(0);
    expect(ended).toBeUndefined();
    expect(words(changes())).toEqual(["PUT /p/a= @2"]);
  });

  test("comes from a refusal that lasts", async () => {
    etcd.onCall = () => {
      throw new EtcdAuthError("wrong password");
    };
    await start();
    await clock.advance(12_000);
    expect(ended).toBeInstanceOf(EtcdAuthError);
    expect(clock.sleeping).toBe(0);
  });
});

test("bad options are refused", () => {
  expect(() => watchPrefix(etcd.api, "")).toThrow(TypeError);
  expect(() => watchPrefix(etcd.api, "/p/", { progressIntervalMs: 0 })).toThrow(TypeError);
});
