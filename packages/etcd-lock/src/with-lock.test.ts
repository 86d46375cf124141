import { createManualClock } from "@msdha/clock";
import { createSimulatedEtcd } from "@msdha/etcd-simulated";
import { expect, test } from "vitest";
import { acquireLock, tryLock } from "./acquire-lock.ts";
import { campaign, observe } from "./campaign.ts";
import { LockLostError } from "./errors.ts";
import { withLock } from "./with-lock.ts";

const NAME = "/jobs/nightly";
const TTL_MS = 3_000;

function setUp() {
  const clock = createManualClock();
  const etcd = createSimulatedEtcd({ clock });
  let count = 0;
  const nextNonce = (): string => {
    count += 1;
    return String(count);
  };
  const options = (name: string) => ({ ttlSeconds: 3, name, clock, nonce: nextNonce });
  /** Lets time go by in small steps, as timers set timers. */
  async function pass(ms: number): Promise<void> {
    for (const end = clock.now() + ms; clock.now() < end; )
      await clock.advance(Math.min(50, end - clock.now()));
  }
  /** Resolves with what `promise` does, and when that was. */
  async function outcome<T>(promise: Promise<T>, withinMs = 60_000): Promise<{ value: T; at: number }> {
    let settled: { value: T; at: number } | undefined;
    let failure: unknown;
    promise.then(
      (value) => {
        settled = { value, at: clock.now() };
      },
      (error: unknown) => {
        failure = error;
      },
    );
    for (let passed = 0; !settled && failure === undefined && passed < withinMs; passed += 50)
      await clock.advance(50);
    if (failure !== undefined) throw failure;
    if (!settled) throw new Error("it did not settle");
    return settled;
  }
  return { clock, etcd, options, pass, outcome };
}

test("the first holder waits for two TTLs, as somebody may have had the lock before", async () => {
  const { clock, etcd, options, outcome } = setUp();
  const begun = clock.now();
  const { at } = await outcome(acquireLock(etcd.connect(), NAME, options("a")));
  expect(at - begun).toBeGreaterThanOrEqual(2 * TTL_MS);
  expect(at - begun).toBeLessThan(2 * TTL_MS + 500);
});

test("work that ended hands the lock over: the next one begins at once, with a larger token", async () => {
  const { clock, etcd, options, outcome, pass } = setUp();
  const tokens: number[] = [];
  const spans: (readonly [number, number])[] = [];
  const work = async ({ token }: { readonly token: number }): Promise<string> => {
    const began = clock.now();
    tokens.push(token);
    await clock.sleep(1_000);
    spans.push([began, clock.now()]);
    return "done";
  };
  const first = withLock(etcd.connect(), NAME, options("a"), work);
  await pass(500);
  const second = withLock(etcd.connect(), NAME, options("b"), work);
  expect((await outcome(first)).value).toBe("done");
  await outcome(second);
  const [[, firstEnd] = [0, 0], [secondBegin] = [0, 0]] = spans;
  expect(secondBegin).toBeGreaterThanOrEqual(firstEnd);
  expect(secondBegin - firstEnd).toBeLessThan(300);
  expect(tokens[1]).toBeGreaterThan(tokens[0] ?? 0);
  expect(etcd.store.list("/jobs/nightly/").map(({ key }) => key)).not.toContain("/jobs/nightly/lock");
});

test("work that failed makes the next one wait, since what it began may still run", async () => {
  const { clock, etcd, options, outcome } = setUp();
  const failing = withLock(etcd.connect(), NAME, options("a"), async () => {
    throw new Error("no disk");
  });
  await expect(outcome(failing)).rejects.toThrow("no disk");
  const failedAt = clock.now();
  const { at } = await outcome(acquireLock(etcd.connect(), NAME, options("b")));
  expect(at - failedAt).toBeGreaterThanOrEqual(2 * TTL_MS);
});

test("a holder that is cut off is told in time: its deadline is over before the next one has the lock", async () => {
  const { clock, etcd, options, outcome } = setUp();
  const client = etcd.connect();
  const { value: lock } = await outcome(acquireLock(client, NAME, options("a")));
  client.onRequest = () => "lost";
  client.onAnswer = () => "lost";
  let abortedAt = Number.NaN;
  lock.signal.addEventListener("abort", () => {
    abortedAt = clock.now();
  });
  const { at } = await outcome(acquireLock(etcd.connect(), NAME, options("b")));
  expect(abortedAt).toBeLessThanOrEqual(lock.deadline - 0.75 * TTL_MS);
  expect(at).toBeGreaterThan(lock.deadline);
  await expect(lock.confirm()).rejects.toMatchObject({ code: "ERR_LEASE_LOST" });
  expect((await outcome(lock.handOver())).value).toBe(false);
});

test("a lock that is deleted by hand is lost at once, and the next one waits all the same", async () => {
  const { clock, etcd, options, outcome, pass } = setUp();
  const { value: lock } = await outcome(acquireLock(etcd.connect(), NAME, options("a")));
  etcd.store.delete("/jobs/nightly/lock");
  const deletedAt = clock.now();
  await pass(100);
  expect(lock.signal.reason).toBeInstanceOf(LockLostError);
  const { at } = await outcome(acquireLock(etcd.connect(), NAME, options("b")));
  expect(at - deletedAt).toBeGreaterThanOrEqual(2 * TTL_MS);
  expect(at).toBeGreaterThan(lock.deadline);
});

test("a lock that a restored etcd does not have is lost", async () => {
  const { etcd, options, outcome, pass } = setUp();
  const before = etcd.store.save();
  const { value: lock } = await outcome(acquireLock(etcd.connect(), NAME, options("a")));
  etcd.store.restore(before);
  await pass(2 * TTL_MS);
  expect(lock.signal.aborted).toBe(true);
});

test("a try does not wait for another holder", async () => {
  const { etcd, options, outcome } = setUp();
  const { value: lock } = await outcome(acquireLock(etcd.connect(), NAME, options("a")));
  expect((await outcome(tryLock(etcd.connect(), NAME, options("b")))).value).toBeUndefined();
  expect(await lock.handOver()).toBe(true);
  expect((await outcome(tryLock(etcd.connect(), NAME, options("b")))).value?.token).toBeGreaterThan(
    lock.token,
  );
});

test("an attempt ends with its signal, and leaves nothing in etcd", async () => {
  const { etcd, options, outcome, pass } = setUp();
  await outcome(acquireLock(etcd.connect(), NAME, options("a")));
  const stop = new AbortController();
  const attempt = acquireLock(etcd.connect(), NAME, { ...options("b"), signal: stop.signal });
  attempt.catch(() => {});
  await pass(1_000);
  const reason = new Error("not any more");
  stop.abort(reason);
  await expect(outcome(attempt)).rejects.toBe(reason);
});

test("a campaign has the lock again after each loss, and observers see who has it", async () => {
  const { etcd, options, outcome, pass } = setUp();
  const stop = new AbortController();
  const { signal } = stop;
  const seen: (string | undefined)[] = [];
  const watching = (async () => {
    for await (const holder of observe(etcd.connect(), NAME, { clock: options("c").clock, signal }))
      seen.push(holder?.name);
  })();
  const turns = campaign(etcd.connect(), NAME, { ...options("a"), signal });
  const first = await outcome(turns.next());
  etcd.store.delete("/jobs/nightly/lock");
  await pass(100);
  expect(first.value.value?.signal.aborted).toBe(true);
  const second = await outcome(turns.next());
  expect(second.value.value?.token).toBeGreaterThan(first.value.value?.token ?? 0);
  const last = turns.next();
  stop.abort(new Error("enough"));
  expect((await outcome(last)).value.done).toBe(true);
  await watching;
  expect(seen).toEqual([undefined, "a", undefined, "a"]);
});

test("says what is wrong with a lock that has no name", async () => {
  const { etcd, options } = setUp();
  await expect(acquireLock(etcd.connect(), "", options("a"))).rejects.toThrow(/expected the name of a lock/);
});

test("work that goes on past the deadline has lost the lock, also where the event loop was too busy to say so", async () => {
  const { etcd, options, outcome } = setUp();
  const busy = { ...options("a") };
  let behind = 0;
  const clock = { now: () => busy.clock.now() + behind, sleep: busy.clock.sleep };
  const late = withLock(etcd.connect(), NAME, { ...busy, clock }, async ({ signal }) => {
    behind = 2 * TTL_MS;
    expect(signal.aborted).toBe(false);
  });
  await expect(outcome(late)).rejects.toMatchObject({ code: "ERR_LOCK_LOST" });
});
