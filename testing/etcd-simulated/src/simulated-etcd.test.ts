import { createManualClock, type ManualClock } from "@msdha/clock";
import {
  EtcdCompactedError,
  EtcdLeaseNotFoundError,
  EtcdRequestError,
  EtcdUnavailableError,
  type WatchMessage,
  type WatchStream,
} from "@msdha/etcd-client";
import { beforeEach, describe, expect, test } from "vitest";
import type { SimulatedClient } from "./client.ts";
import { createSimulatedEtcd, type SimulatedEtcd } from "./simulated-etcd.ts";

const soon = { timeoutMs: 1_000 };
let clock: ManualClock;
let etcd: SimulatedEtcd;
let client: SimulatedClient;

beforeEach(() => {
  clock = createManualClock();
  etcd = createSimulatedEtcd({ clock, members: 3 });
  client = etcd.connect();
});

/** What a promise has come to, without waiting for more than what is ready. */
async function outcome<T>(promise: Promise<T>): Promise<T | string> {
  const settled = promise.catch((error: Error) => `${error.name}: ${error.message}`);
  let result: T | string = "pending";
  void settled.then((value) => {
    result = value;
  });
  await clock.advance(0);
  return result;
}

function collect(stream: WatchStream): { messages: WatchMessage[]; error: () => unknown } {
  const messages: WatchMessage[] = [];
  let failure: unknown;
  void (async () => {
    for await (const message of stream) messages.push(message);
  })().catch((error: unknown) => {
    failure = error;
  });
  return { messages, error: () => failure };
}

const told = (messages: readonly WatchMessage[]): string[] =>
  messages.flatMap(({ events }) =>
    events.map(({ type, kv }) => `${type} ${kv.key}=${kv.value}@${kv.modRevision}`),
  );

describe("reads", () => {
  test("a page has a limit and keys only, and leads to the next one at its revision", async () => {
    const success = ["a", "b", "c"].map((key) => ({ type: "put", key, value: "1" }) as const);
    await client.txn({ compare: [], success, failure: [] }, soon);
    const request = { key: "", prefix: true, limit: 2 };
    const first = await client.range({ ...request, keysOnly: true }, soon);
    expect(first.kvs.map(({ key, value }) => key + value)).toEqual(["a", "b"]);
    const second = await client.range({ ...request, ...first.next }, soon);
    expect(second.kvs.map(({ key, value }) => key + value)).toEqual(["c1"]);
    expect(second.next).toBeUndefined();
    await client.txn({ compare: [], success: [{ type: "delete", key: "b" }], failure: [] }, soon);
    await expect(client.range({ ...request, ...first.next }, soon)).rejects.toThrow(EtcdCompactedError);
  });
});

describe("transactions", () => {
  test("a missing key compares as revision 0 and as no value", async () => {
    const holds = async (compare: Parameters<SimulatedClient["txn"]>[0]["compare"]): Promise<boolean> =>
      (await client.txn({ compare, success: [], failure: [] }, soon)).succeeded;
    expect(await holds([{ key: "a", target: "create", is: "=", value: 0 }])).toBe(true);
    expect(await holds([{ key: "a", target: "mod", is: ">", value: 0 }])).toBe(false);
    expect(await holds([{ key: "a", target: "lease", is: "=", value: "0" }])).toBe(true);
    expect(await holds([{ key: "a", target: "value", is: "=", value: "" }])).toBe(false);
  });

  test("nested compares look at the state before, ranges at the state within", async () => {
    const answer = await client.txn(
      {
        compare: [],
        success: [
          { type: "put", key: "a", value: "1" },
          { type: "range", key: "a" },
          {
            type: "txn",
            compare: [{ key: "a", target: "create", is: "=", value: 0 }],
            success: [{ type: "put", key: "b", value: "2" }],
            failure: [],
          },
        ],
        failure: [],
      },
      soon,
    );
    expect(answer.revision).toBe(2);
    expect(answer.results[1]).toMatchObject({ kvs: [{ key: "a", createRevision: 2 }] });
    expect(answer.results[2]).toMatchObject({ succeeded: true, revision: 2 });
    expect(etcd.store.get("b")).toMatchObject({ createRevision: 2, modRevision: 2 });
  });

  test("the same key twice is refused, and so is a lease that does not exist; nothing is written", async () => {
    const put = { type: "put", key: "a", value: "1" } as const;
    await expect(client.txn({ compare: [], success: [put, put], failure: [] }, soon)).rejects.toThrow(
      EtcdRequestError,
    );
    await expect(
      client.txn({ compare: [], success: [put, { ...put, key: "b", lease: "9" }], failure: [] }, soon),
    ).rejects.toThrow(EtcdLeaseNotFoundError);
    expect(etcd.store.revision).toBe(1);
  });
});

describe("leases", () => {
  test("an expired lease goes with its keys in one revision, within 0.6 s", async () => {
    const { id, ttlSeconds } = await client.leaseGrant(1, soon);
    expect(ttlSeconds).toBe(2);
    etcd.store.put("a", "", { lease: id });
    etcd.store.put("b", "", { lease: id });
    await clock.advance(1_999);
    expect(etcd.store.list("")).toHaveLength(2);
    await clock.advance(601);
    expect(etcd.store.list("")).toEqual([]);
    expect(etcd.store.revision).toBe(4);
    expect(await client.leaseKeepAlive(id, soon)).toBe(0);
    expect(await client.leaseTimeToLive(id, soon)).toBe(-1);
  });

  test("a keepalive renews, a revocation ends, and a second one does no harm", async () => {
    const { id } = await client.leaseGrant(3, soon);
    etcd.store.put("a", "", { lease: id });
    await clock.advance(2_900);
    expect(await client.leaseKeepAlive(id, soon)).toBe(3);
    await clock.advance(2_900);
    expect(etcd.store.get("a")).toBeDefined();
    await client.leaseRevoke(id, soon);
    await client.leaseRevoke(id, soon);
    expect(etcd.store.get("a")).toBeUndefined();
  });

  test("nothing expires without a leader, and a new leader gives every lease its time again", async () => {
    const { id } = await client.leaseGrant(3, soon);
    etcd.store.put("a", "", { lease: id });
    for (const member of etcd.members.slice(0, 2)) member.cutOff();
    await clock.advance(60_000);
    expect(etcd.store.get("a")).toBeDefined();
    for (const member of etcd.members.slice(0, 2)) member.rejoin();
    await clock.advance(2_000 + 3_000);
    expect(etcd.store.get("a")).toBeDefined();
    await clock.advance(2_000);
    expect(etcd.store.get("a")).toBeUndefined();
  });

  test("a leader that is cut off goes on saying yes to keepalives", async () => {
    const { id } = await client.leaseGrant(3, soon);
    etcd.changeLeader({ staleMs: 15_000 });
    await clock.advance(10_000);
    expect(etcd.store.leases.has(id)).toBe(false);
    expect(await client.leaseKeepAlive(id, soon)).toBe(3);
    const reading = client.range({ key: "a" }, soon);
    expect(await outcome(reading)).toBe("pending");
    await clock.advance(1_000);
    expect(await outcome(reading)).toContain("no answer within 1000 ms");
    expect(await etcd.connect({ member: 1 }).leaseKeepAlive(id, soon)).toBe(0);
  });
});

describe("members", () => {
  test("linearizable requests hang for an election", async () => {
    etcd.changeLeader();
    const reading = client.range({ key: "a" }, { timeoutMs: 5_000 });
    expect(await outcome(reading)).toBe("pending");
    await clock.advance(2_000);
    expect(await outcome(reading)).toMatchObject({ revision: 1 });
  });

  test("a dead member refuses, a frozen one keeps what arrives and carries it out late", async () => {
    const other = etcd.connect({ member: 2 });
    etcd.members[1]?.kill();
    await expect(etcd.connect({ member: 1 }).range({ key: "a" }, soon)).rejects.toThrow(EtcdUnavailableError);
    etcd.members[1]?.start();
    etcd.members[2]?.freeze();
    const put = { type: "put", key: "a", value: "late" } as const;
    const writing = other.txn({ compare: [], success: [put], failure: [] }, soon);
    writing.catch(() => {});
    await clock.advance(10_000);
    await expect(writing).rejects.toThrow(EtcdUnavailableError);
    expect(etcd.store.get("a")).toBeUndefined();
    etcd.members[2]?.thaw();
    await clock.advance(0);
    expect(etcd.store.get("a")?.value).toBe("late");
  });
});

describe("links", () => {
  test("a lost answer belongs to a request that was carried out", async () => {
    client.onAnswer = () => "lost";
    const writing = client.txn(
      { compare: [], success: [{ type: "put", key: "a", value: "" }], failure: [] },
      soon,
    );
    writing.catch(() => {});
    await clock.advance(1_000);
    await expect(writing).rejects.toThrow(EtcdUnavailableError);
    expect(etcd.store.get("a")).toBeDefined();
  });

  test("a promise holds a message, and an abort ends the call meanwhile", async () => {
    const held = Promise.withResolvers<number>();
    client.onRequest = () => held.promise;
    const stop = new AbortController();
    const reading = client.range({ key: "a" }, { ...soon, signal: stop.signal });
    expect(await outcome(reading)).toBe("pending");
    stop.abort(new Error("stop"));
    expect(await outcome(reading)).toBe("Error: stop");
  });
});

describe("watches", () => {
  const watch = (startRevision?: number) =>
    collect(
      client.watch(
        { key: "/g/", prefix: true, ...(startRevision !== undefined && { startRevision }) },
        { signal: new AbortController().signal },
      ),
    );

  test("tell every change of the prefix once, from the start revision on, in the order of the store", async () => {
    etcd.store.put("/g/a", "1");
    etcd.store.put("/h", "2");
    const { messages } = watch(2);
    await clock.advance(0);
    etcd.store.put("/g/a", "3");
    etcd.store.delete("/g/a");
    await clock.advance(0);
    expect(messages[0]).toEqual({ revision: 3, created: true, events: [] });
    expect(told(messages)).toEqual(["PUT /g/a=1@2", "PUT /g/a=3@4", "DELETE /g/a=@5"]);
  });

  test("stay in order when messages take different times, and fall silent after a lost one", async () => {
    const { messages } = watch();
    await clock.advance(0);
    const fates = [500, 0, "lost", 0] as const;
    let sent = 0;
    client.onAnswer = () => fates[sent++] ?? 0;
    for (const value of "1234") etcd.store.put("/g/a", value);
    await clock.advance(499);
    expect(told(messages)).toEqual([]);
    await clock.advance(10_000);
    expect(told(messages)).toEqual(["PUT /g/a=1@2", "PUT /g/a=2@3"]);
  });

  test("end with a reset when its turn comes, not before", async () => {
    const { messages, error } = watch();
    await clock.advance(0);
    const fates = [500, "reset"] as const;
    let sent = 0;
    client.onAnswer = () => fates[sent++] ?? 0;
    for (const value of "12") etcd.store.put("/g/a", value);
    await clock.advance(499);
    expect(error()).toBeUndefined();
    await clock.advance(1);
    expect(told(messages)).toEqual(["PUT /g/a=1@2"]);
    expect(error()).toBeInstanceOf(EtcdUnavailableError);
  });

  test("that begin before the compacted revision end with an error", async () => {
    for (const value of "123") etcd.store.put("/g/a", value);
    etcd.store.compact(3);
    const late = watch(2);
    const fine = watch(3);
    await clock.advance(0);
    expect(late.error()).toBeInstanceOf(EtcdCompactedError);
    expect(late.error()).toMatchObject({ compactRevision: 3 });
    expect(told(fine.messages)).toEqual(["PUT /g/a=2@3", "PUT /g/a=3@4"]);
  });

  test("that begin at the compacted revision are not told its deletions, as in etcd 3.4", async () => {
    etcd.store.put("/g/a", "1");
    etcd.store.put("/g/b", "1");
    etcd.store.delete("/g/a");
    const open = watch(4);
    await clock.advance(0);
    etcd.store.compact(4);
    const late = watch(4);
    etcd.store.delete("/g/b");
    await clock.advance(0);
    expect(told(open.messages)).toEqual(["DELETE /g/a=@4", "DELETE /g/b=@5"]);
    expect(told(late.messages)).toEqual(["DELETE /g/b=@5"]);
  });

  test("answer a request for progress, but not while the member is frozen", async () => {
    const stream = client.watch({ key: "/g/" }, { signal: new AbortController().signal });
    const { messages } = collect(stream);
    await clock.advance(0);
    stream.requestProgress();
    await clock.advance(0);
    expect(messages).toHaveLength(2);
    etcd.members[0]?.freeze();
    stream.requestProgress();
    await clock.advance(10_000);
    expect(messages).toHaveLength(2);
    etcd.members[0]?.thaw();
    await clock.advance(2_000);
    expect(messages).toHaveLength(3);
  });

  test("end on a member that has no leader, at once when it dies, and with the reason of the signal", async () => {
    const cut = watch();
    await clock.advance(0);
    etcd.members[0]?.cutOff();
    await clock.advance(2_999);
    expect(cut.error()).toBeUndefined();
    await clock.advance(1);
    expect(cut.error()).toBeInstanceOf(EtcdUnavailableError);

    etcd.members[0]?.rejoin();
    const broken = watch();
    const stop = new AbortController();
    const stopped = collect(client.watch({ key: "a" }, { signal: stop.signal }));
    await clock.advance(0);
    stop.abort("enough");
    etcd.members[0]?.kill();
    await clock.advance(0);
    expect(broken.error()).toBeInstanceOf(EtcdUnavailableError);
    expect(stopped.error()).toBe("enough");
  });

  test("break when etcd is restored to a snapshot", async () => {
    etcd.store.put("/g/a", "1");
    const snapshot = etcd.store.save();
    etcd.store.put("/g/a", "2");
    const { error } = watch();
    await clock.advance(0);
    etcd.store.restore(snapshot);
    await clock.advance(0);
    expect(error()).toBeInstanceOf(EtcdUnavailableError);
    expect(etcd.store.get("/g/a")?.value).toBe("1");
    expect(etcd.store.revision).toBe(2);
  });

  test("can't go on over a restore whose revisions were bumped", async () => {
    etcd.store.put("/g/a", "1");
    const snapshot = etcd.store.save();
    etcd.store.put("/g/a", "2");
    etcd.store.restore(snapshot, { bumpBy: 100 });
    expect(etcd.store.get("/g/a")).toMatchObject({ value: "1", modRevision: 2 });
    expect(etcd.store.revision).toBe(102);
    const { error } = watch(3);
    await clock.advance(0);
    expect(error()).toBeInstanceOf(EtcdCompactedError);
  });
});

describe("faults of etcd itself", () => {
  test("old reads: what only reads is answered with an old state by that member, what may write is not", async () => {
    etcd.store.put("a", "1");
    etcd.answerOldReads(0, true);
    etcd.store.put("a", "2");
    const read = { type: "range", key: "a" } as const;
    const value = ({ results: [result] }: Awaited<ReturnType<SimulatedClient["txn"]>>): string | undefined =>
      result?.type === "range" ? result.kvs[0]?.value : undefined;
    const compare = [{ key: "a", target: "value", is: "=", value: "2" }] as const;
    const put = { type: "put", key: "b", value: "" } as const;
    expect((await client.range({ key: "a" }, soon)).kvs[0]?.value).toBe("1");
    expect(value(await client.txn({ compare: [], success: [read], failure: [] }, soon))).toBe("1");
    expect((await client.txn({ compare, success: [put], failure: [] }, soon)).succeeded).toBe(true);
    expect((await etcd.connect({ member: 1 }).range({ key: "a" }, soon)).kvs[0]?.value).toBe("2");
    etcd.answerOldReads(0, false);
    expect((await client.range({ key: "a" }, soon)).kvs[0]?.value).toBe("2");
  });

  test("a restore ends old reads: no member answers with what there was before", async () => {
    etcd.store.put("a", "1");
    const saved = etcd.store.save();
    etcd.store.put("a", "2");
    etcd.answerOldReads(0, true);
    etcd.store.restore(saved);
    expect((await client.range({ key: "a" }, soon)).kvs[0]?.value).toBe("1");
  });

  test("a swallowed message is missing from a watch that goes on", async () => {
    const { signal } = new AbortController();
    const { messages, error } = collect(client.watch({ key: "a", prefix: true }, { signal }));
    await clock.advance(0);
    client.onAnswer = () => "swallowed";
    etcd.store.put("a1", "");
    await clock.advance(0);
    client.onAnswer = undefined;
    etcd.store.put("a2", "");
    await clock.advance(0);
    expect(told(messages)).toEqual(["PUT a2=@3"]);
    expect(error()).toBeUndefined();
  });
});
