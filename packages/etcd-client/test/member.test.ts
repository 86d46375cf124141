import { startEtcd, waitFor } from "@msdha/testkit";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  connectMember,
  EtcdCompactedError,
  EtcdLeaseNotFoundError,
  type EtcdMember,
  EtcdRequestError,
  EtcdUnavailableError,
  type Transaction,
} from "../src/index.ts";
import { collect, settingsFor, settingsOf } from "./support.ts";

const limit = { timeoutMs: 5_000 };
const none: Pick<Transaction, "compare" | "failure"> = { compare: [], failure: [] };

let etcd: Awaited<ReturnType<typeof startEtcd>>;
let member: EtcdMember;

beforeAll(async () => {
  etcd = await startEtcd();
  member = connectMember(settingsOf([etcd]), 0);
});

afterAll(async () => {
  await member?.[Symbol.asyncDispose]();
  await etcd?.[Symbol.asyncDispose]();
});

function put(key: string, value: string): Promise<unknown> {
  return member.txn({ ...none, success: [{ type: "put", key, value }] }, limit);
}

describe("reads and transactions", () => {
  test("a prefix is read whole, with what etcd knows of each key, and nothing beside it", async () => {
    await put("db/a", "1");
    await put("db/b", "ü");
    await put("db2/a", "other");
    const { kvs, revision } = await member.range({ key: "db/", prefix: true }, limit);
    expect(kvs.map(({ key, value }) => [key, value])).toEqual([
      ["db/a", "1"],
      ["db/b", "ü"],
    ]);
    const [first] = kvs;
    expect(first?.lease).toBe("0");
    expect(first?.createRevision).toBe(first?.modRevision);
    expect(revision).toBeGreaterThan(first?.modRevision ?? Number.POSITIVE_INFINITY);
  });

  test("an empty prefix stands for every key", async () => {
    await put("all", "1");
    const { kvs } = await member.range({ key: "", prefix: true }, limit);
    expect(kvs.map(({ key }) => key)).toContain("all");
  });

  test("a transaction carries out the branch that its compares choose, and answers each operation", async () => {
    const { id } = await member.leaseGrant(60, limit);
    const take: Transaction = {
      compare: [{ key: "lock", target: "create", is: "=", value: 0 }],
      success: [{ type: "put", key: "lock", value: "me", lease: id }],
      failure: [{ type: "range", key: "lock" }],
    };
    const first = await member.txn(take, limit);
    expect(first).toEqual({ succeeded: true, results: [{ type: "put" }], revision: first.revision });
    const second = await member.txn(take, limit);
    const lock = {
      key: "lock",
      value: "me",
      createRevision: first.revision,
      modRevision: first.revision,
      lease: id,
    };
    expect(second).toEqual({
      succeeded: false,
      results: [{ type: "range", kvs: [lock] }],
      revision: first.revision,
    });
    const giveBack = await member.txn(
      {
        compare: [
          { key: "lock", target: "lease", is: "=", value: id },
          { key: "lock", target: "value", is: "=", value: "me" },
          { key: "lock", target: "mod", is: "<", value: first.revision + 1 },
        ],
        success: [
          { type: "delete", key: "lock" },
          { type: "txn", ...none, success: [{ type: "range", key: "lock" }] },
        ],
        failure: [],
      },
      limit,
    );
    expect(giveBack.results).toEqual([
      { type: "delete", deleted: 1 },
      { type: "txn", succeeded: true, results: [{ type: "range", kvs: [] }], revision: giveBack.revision },
    ]);
  });

  test("what etcd refuses is told as a request error", async () => {
    const twice: Transaction["success"] = [
      { type: "put", key: "same", value: "1" },
      { type: "put", key: "same", value: "2" },
    ];
    const refused = member.txn({ ...none, success: twice }, limit);
    await expect(refused).rejects.toThrow(EtcdRequestError);
    await expect(refused).rejects.toThrow(/^etcd at 127\.0\.0\.1:\d+: duplicate key given in txn request$/);
  });
});

describe("leases", () => {
  test("ids survive although they do not fit a number, and small TTLs come back as granted", async () => {
    const { id, ttlSeconds } = await member.leaseGrant(1, limit);
    expect(Number.isSafeInteger(Number(id))).toBe(false);
    expect(ttlSeconds).toBe(2);
    expect(await member.leaseKeepAlive(id, limit)).toBe(2);
    expect(await member.leaseTimeToLive(id, limit)).toBeLessThanOrEqual(2);
    const known = await etcd.etcdctl("lease", "list");
    expect(known).toContain(BigInt(id).toString(16));
  });

  test("one that is gone is renewed with 0, lives for -1, is revoked in silence, and can't be written on", async () => {
    const { id } = await member.leaseGrant(60, limit);
    await member.leaseRevoke(id, limit);
    expect(await member.leaseKeepAlive(id, limit)).toBe(0);
    expect(await member.leaseTimeToLive(id, limit)).toBe(-1);
    await member.leaseRevoke(id, limit);
    const write = member.txn({ ...none, success: [{ type: "put", key: "k", value: "v", lease: id }] }, limit);
    await expect(write).rejects.toThrow(EtcdLeaseNotFoundError);
  });

  test("many renewals at the same time get their own answers", async () => {
    const leases = await Promise.all([5, 6, 7, 8].map((ttl) => member.leaseGrant(ttl, limit)));
    const answers = await Promise.all(leases.map(({ id }) => member.leaseKeepAlive(id, limit)));
    expect(answers).toEqual([5, 6, 7, 8]);
  });
});

describe("watch", () => {
  test("tells past and present from a revision on, all events of a revision together", async () => {
    await put("w/1", "one");
    const { revision } = await member.range({ key: "w/", prefix: true }, limit);
    await member.txn(
      {
        ...none,
        success: [
          { type: "put", key: "w/2", value: "two" },
          { type: "put", key: "w/3", value: "three" },
          { type: "delete", key: "w/1" },
        ],
      },
      limit,
    );
    const stop = new AbortController();
    const request = { key: "w/", prefix: true, startRevision: revision + 1 };
    const watch = collect(member.watch(request, { signal: stop.signal }));
    await waitFor(() => watch.values().length === 3, { what: "the past" });
    await put("w/4", "four");
    await put("w3", "not ours");
    await put("w/5", "five");
    await waitFor(() => watch.values().length === 5, { what: "the present" });
    expect(watch.values()).toEqual(["two", "three", "-w/1", "four", "five"]);
    const [created, past] = watch.messages;
    expect(created).toMatchObject({ created: true, events: [] });
    expect(past?.events.map(({ kv }) => kv.modRevision)).toEqual([revision + 1, revision + 1, revision + 1]);
    const reason = new Error("seen enough");
    stop.abort(reason);
    expect(await watch.ended).toBe(reason);
  });

  test("buffers what a slow reader has not read yet", async () => {
    const stop = new AbortController();
    const stream = member.watch({ key: "slow/", prefix: true }, { signal: stop.signal });
    const reader = stream[Symbol.asyncIterator]();
    expect((await reader.next()).value).toMatchObject({ created: true });
    for (let index = 0; index < 200; index += 1) await put("slow/key", String(index));
    const values: string[] = [];
    while (values.length < 200) {
      const { value } = await reader.next();
      values.push(...value.events.map((event: { kv: { value: string } }) => event.kv.value));
    }
    expect(values).toEqual(Array.from({ length: 200 }, (_, index) => String(index)));
    stop.abort();
  });

  test("answers a request for progress on a quiet stream, also one made before it was open", async () => {
    const stop = new AbortController();
    const stream = member.watch({ key: "quiet" }, { signal: stop.signal });
    stream.requestProgress();
    const watch = collect(stream);
    await waitFor(() => watch.messages.length === 2, { what: "the first sign of life" });
    stream.requestProgress();
    await waitFor(() => watch.messages.length === 3, { what: "the second sign of life" });
    expect(watch.messages.at(-1)).toMatchObject({ created: false, events: [] });
    expect(watch.messages.at(-1)?.revision).toBeGreaterThan(0);
    stop.abort();
    await watch.ended;
    stream.requestProgress();
  });

  test("says when what it was to begin with is compacted", async () => {
    await put("c", "1");
    const { revision } = await member.range({ key: "c" }, limit);
    await put("c", "2");
    await etcd.etcdctl("compact", String(revision + 1));
    const request = { key: "c", startRevision: revision };
    const error = await collect(member.watch(request, { signal: new AbortController().signal })).ended;
    expect(error).toBeInstanceOf(EtcdCompactedError);
    expect((error as EtcdCompactedError).compactRevision).toBe(revision + 1);
  });

  test("is over for etcd, too, when the reader leaves or the signal aborts", async () => {
    const watchers = async (): Promise<number> => {
      const metrics = await (await fetch(`${etcd.endpoint}/metrics`)).text();
      return Number(/^etcd_debugging_mvcc_watcher_total (\d+)/m.exec(metrics)?.[1]);
    };
    await waitFor(async () => (await watchers()) === 0, { what: "no watcher of an earlier test" });
    for await (const { created } of member.watch({ key: "x" }, { signal: new AbortController().signal })) {
      expect(created).toBe(true);
      expect(await watchers()).toBe(1);
      break;
    }
    await waitFor(async () => (await watchers()) === 0, { what: "the left watch to be gone" });
    const stop = new AbortController();
    const watch = collect(member.watch({ key: "x" }, { signal: stop.signal }));
    await waitFor(() => watch.messages.length === 1, { what: "the second watch" });
    stop.abort();
    await waitFor(async () => (await watchers()) === 0, { what: "the ended watch to be gone" });
  });

  test("ends at once when its signal is aborted already", async () => {
    const reason = new Error("too late");
    const watch = collect(member.watch({ key: "x" }, { signal: AbortSignal.abort(reason) }));
    expect(await watch.ended).toBe(reason);
  });
});

describe("limits", () => {
  test("a call ends with the reason of its signal", async () => {
    await using own = await startEtcd();
    await using frozen = connectMember(settingsOf([own]), 0);
    own.freeze();
    const stop = new AbortController();
    const read = frozen.range({ key: "k" }, { timeoutMs: 60_000, signal: stop.signal });
    const renewal = frozen.leaseKeepAlive("1", { timeoutMs: 60_000, signal: stop.signal });
    const reason = new Error("enough");
    stop.abort(reason);
    await expect(read).rejects.toBe(reason);
    await expect(renewal).rejects.toBe(reason);
    const late = frozen.range({ key: "k" }, { timeoutMs: 60_000, signal: stop.signal });
    await expect(late).rejects.toBe(reason);
  });

  test("every kind of call ends in time on a frozen member", async () => {
    await using own = await startEtcd();
    await using frozen = connectMember(settingsOf([own]), 0);
    await frozen.range({ key: "k" }, limit);
    own.freeze();
    const short = { timeoutMs: 200 };
    const calls = [
      frozen.range({ key: "k" }, short),
      frozen.txn({ ...none, success: [] }, short),
      frozen.leaseGrant(5, short),
      frozen.leaseKeepAlive("1", short),
      frozen.leaseRevoke("1", short),
      frozen.leaseTimeToLive("1", short),
    ];
    for (const call of calls) {
      await expect(call).rejects.toThrow(EtcdUnavailableError);
      await expect(call).rejects.toThrow(/^etcd at 127\.0\.0\.1:\d+: no answer within 200 ms$/);
    }
  });

  test("a member that is not there is told in one line", async () => {
    await using nobody = connectMember(settingsFor("127.0.0.1:1"), 0);
    const read = nobody.range({ key: "k" }, limit);
    await expect(read).rejects.toThrow(EtcdUnavailableError);
    await expect(read).rejects.toThrow(
      /^etcd at 127\.0\.0\.1:1: cannot connect: connect ECONNREFUSED 127\.0\.0\.1:1$/,
    );
  });

  test("after dispose everything fails, what is running too", async () => {
    await using own = await startEtcd();
    const closed = connectMember(settingsOf([own]), 0);
    const stream = collect(closed.watch({ key: "k" }, { signal: new AbortController().signal }));
    await waitFor(() => stream.messages.length > 0, { what: "the watch" });
    own.freeze();
    const running = closed.range({ key: "k" }, limit);
    running.catch(() => {});
    await closed[Symbol.asyncDispose]();
    await expect(running).rejects.toThrow(EtcdUnavailableError);
    expect(await stream.ended).toBeInstanceOf(EtcdUnavailableError);
    await expect(closed.range({ key: "k" }, limit)).rejects.toThrow("the client is closed");
  });
});
