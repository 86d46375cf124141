import { createManualClock } from "@msdha/clock";
import {
  type Compare,
  connectEtcd,
  type EtcdApi,
  type KeyValue,
  type LeaseId,
  type Operation,
  type OperationResult,
  readEtcdSettings,
  type Transaction,
  type WatchRequest,
} from "@msdha/etcd-client";
import { createRandom, createSimulatedEtcd, type Random } from "@msdha/etcd-simulated";
import { type EtcdMember, startEtcd } from "@msdha/testkit";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

const calls = { timeoutMs: 10_000 };
const KEYS = ["/t/a", "/t/b", "/t/c", "/t/c/d", "/u"];

let member: EtcdMember;
beforeAll(async () => {
  member = await startEtcd();
});
afterAll(async () => await member[Symbol.asyncDispose]());

/** Leases by the order in which they were granted: the two have different ids. */
interface Side {
  readonly etcd: EtcdApi;
  readonly leases: LeaseId[];
  /** What is taken from revisions, so that both begin at the same one. */
  readonly base: number;
  compact(revision: number): Promise<void>;
}

describe.each([1, 2, 3, 4, 5, 101])("with seed %i", (seed) => {
  test("the simulated etcd answers a random sequence of operations as the real one does", async () => {
    await using real = await openReal();
    const simulated = openSimulated();
    for (const step of makeSteps(createRandom(seed), 150)) {
      const [expected, actual] = [await step.run(real), await step.run(simulated)];
      expect(actual, step.what).toEqual(expected);
    }
  });
});

async function openReal(): Promise<Side & AsyncDisposable> {
  const etcd = connectEtcd(readEtcdSettings({ ETCDCTL_ENDPOINTS: member.endpoint }));
  await member.etcdctl("del", "", "--prefix");
  const { revision: base } = await etcd.range({ key: "x" }, calls);
  return {
    etcd,
    leases: [],
    base,
    compact: async (revision) => {
      await member.etcdctl("compact", String(revision + base));
    },
    [Symbol.asyncDispose]: () => etcd[Symbol.asyncDispose](),
  };
}

function openSimulated(): Side {
  const simulated = createSimulatedEtcd({ clock: createManualClock() });
  const etcd = simulated.connect();
  const base = simulated.store.revision;
  return { etcd, leases: [], base, compact: async (revision) => simulated.store.compact(revision + base) };
}

interface Step {
  readonly what: string;
  run(side: Side): Promise<unknown>;
}

function* makeSteps(random: Random, count: number): Generator<Step> {
  let granted = 0;
  let compacted = 0;
  for (let index = 0; index < count; index += 1) {
    const kind = random.next();
    if (kind < 0.1) {
      granted += 1;
      yield { what: "grant", run: grant };
    } else if (kind < 0.14) {
      const lease = random.whole(0, granted);
      yield { what: `revoke ${lease}`, run: (side) => revoke(side, lease) };
    } else if (kind < 0.18) {
      const lease = random.whole(0, granted);
      yield {
        what: `keepalive ${lease}`,
        run: (side) => side.etcd.leaseKeepAlive(leaseOf(side, lease), calls),
      };
    } else if (kind < 0.2) {
      const lease = random.whole(0, granted);
      yield {
        what: `time to live ${lease}`,
        run: async (side) => (await side.etcd.leaseTimeToLive(leaseOf(side, lease), calls)) > 0,
      };
    } else if (kind < 0.3) {
      const range = { key: random.pick(["/t/", "/t/c", ...KEYS]), prefix: random.chance(0.6) };
      yield { what: `range ${JSON.stringify(range)}`, run: (side) => read(side, range) };
    } else if (kind < 0.4) {
      const watch = {
        key: random.pick(["/t/", "/u"]),
        prefix: random.chance(0.8),
        startRevision: random.whole(1, index),
      };
      yield { what: `watch ${JSON.stringify(watch)}`, run: (side) => follow(side, watch) };
    } else if (kind < 0.42) {
      compacted += random.whole(1, 4);
      const revision = compacted;
      yield { what: `compact ${revision}`, run: (side) => compact(side, revision) };
    } else {
      const transaction = makeTransaction(random, granted, 2);
      yield { what: JSON.stringify(transaction), run: (side) => carryOut(side, transaction) };
    }
  }
}

function makeTransaction(random: Random, leases: number, depth: number): Transaction {
  const list = <T>(most: number, make: () => T): T[] => Array.from({ length: random.whole(0, most) }, make);
  return {
    compare: list(2, () => makeCompare(random, leases)),
    success: list(3, () => makeOperation(random, leases, depth)),
    failure: list(3, () => makeOperation(random, leases, depth)),
  };
}

function makeCompare(random: Random, leases: number): Compare {
  const key = random.pick(KEYS);
  const target = random.pick(["create", "mod", "lease", "value"] as const);
  if (target === "lease") return { key, target, is: "=", value: String(random.whole(0, leases)) };
  if (target === "value") return { key, target, is: "=", value: random.pick(["", "1", "2"]) };
  return { key, target, is: random.pick(["=", ">", "<"]), value: random.pick([0, 0, random.whole(1, 60)]) };
}

function makeOperation(random: Random, leases: number, depth: number): Operation {
  const kind = random.next();
  const key = random.pick(KEYS);
  if (kind < 0.25) return { type: "range", key: random.pick(["/t/", key]), prefix: random.chance(0.5) };
  if (kind < 0.4) return { type: "delete", key };
  if (kind < 0.55 && depth > 0) return { type: "txn", ...makeTransaction(random, leases, depth - 1) };
  const value = random.pick(["", "1", "2"]);
  return { type: "put", key, value, lease: random.chance(0.6) ? "0" : String(random.whole(0, leases)) };
}

async function grant(side: Side): Promise<number> {
  const { id, ttlSeconds } = await side.etcd.leaseGrant(600, calls);
  side.leases.push(id);
  return ttlSeconds;
}

const revoke = (side: Side, lease: number): Promise<unknown> =>
  settled(async () => await side.etcd.leaseRevoke(leaseOf(side, lease), calls));

async function compact(side: Side, revision: number): Promise<void> {
  const now = (await side.etcd.range({ key: "x" }, calls)).revision - side.base;
  if (revision <= now) await side.compact(revision);
}

async function read(side: Side, range: { key: string; prefix: boolean }): Promise<unknown> {
  const { kvs, revision } = await side.etcd.range(range, calls);
  return { kvs: kvs.map((kv) => plain(side, kv)), revision: revision - side.base };
}

function carryOut(side: Side, transaction: Transaction): Promise<unknown> {
  return settled(async () => {
    const { succeeded, results, revision } = await side.etcd.txn(translate(side, transaction), calls);
    return {
      succeeded,
      results: results.map((each) => plainResult(side, each)),
      revision: revision - side.base,
    };
  });
}

/** Follows a watch until a key that is put for the purpose shows up, and returns all events to there. */
function follow(side: Side, { key, prefix, startRevision }: Required<WatchRequest>): Promise<unknown> {
  return settled(async () => {
    const stop = new AbortController();
    const events: unknown[] = [];
    const put = { type: "put", key: prefix ? `${key}end` : key, value: "end" } as const;
    const now = (await side.etcd.range({ key }, calls)).revision;
    const from = Math.min(startRevision + side.base, now + 1);
    const stream = side.etcd.watch({ key, prefix, startRevision: from }, { signal: stop.signal });
    let last = 0;
    for await (const message of stream) {
      if (message.created) {
        last = (await side.etcd.txn({ compare: [], success: [put], failure: [] }, calls)).revision;
      }
      for (const { type, kv } of message.events) {
        events.push([type, type === "PUT" ? plain(side, kv) : [kv.key, kv.modRevision - side.base]]);
        if (kv.modRevision !== last) continue;
        stop.abort();
        return events;
      }
    }
    return events;
  });
}

async function settled(act: () => Promise<unknown>): Promise<unknown> {
  try {
    return await act();
  } catch (error) {
    return error instanceof Error ? error.name : error;
  }
}

/** Number 0 stands for a lease that there never was. */
function leaseOf({ leases }: Side, number: number): LeaseId {
  return leases[number - 1] ?? "4711";
}

function translate(side: Side, transaction: Transaction): Transaction {
  const lease = (number: string): LeaseId => (number === "0" ? "0" : leaseOf(side, Number(number)));
  const operation = (each: Operation): Operation => {
    if (each.type === "txn") return { type: "txn", ...translate(side, each) };
    return each.type === "put" ? { ...each, lease: lease(each.lease ?? "0") } : each;
  };
  return {
    compare: transaction.compare.map((each) => {
      if (each.target === "lease") return { ...each, value: lease(each.value) };
      if (each.target === "value") return each;
      return { ...each, value: each.value === 0 ? 0 : each.value + side.base };
    }),
    success: transaction.success.map(operation),
    failure: transaction.failure.map(operation),
  };
}

function plain({ leases, base }: Side, kv: KeyValue): unknown {
  const { key, value, createRevision, modRevision, lease } = kv;
  return {
    key,
    value,
    created: createRevision - base,
    modified: modRevision - base,
    lease: leases.indexOf(lease),
  };
}

function plainResult(side: Side, result: OperationResult): unknown {
  if (result.type === "range") return result.kvs.map((kv) => plain(side, kv));
  if (result.type !== "txn") return result;
  return { succeeded: result.succeeded, results: result.results.map((each) => plainResult(side, each)) };
}
