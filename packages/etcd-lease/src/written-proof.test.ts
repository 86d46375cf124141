import { createManualClock } from "@msdha/clock";
import {
  type EtcdApi,
  EtcdNoSpaceError,
  EtcdRequestError,
  EtcdUnavailableError,
  type KeyValue,
  type Transaction,
} from "@msdha/etcd-client";
import { expect, test } from "vitest";
import { createFakeEtcd, keyValue } from "../test/fake-etcd.ts";
import { acquireLease } from "./lease.ts";
import { randomNonce } from "./nonce.ts";
import { createProofWriter } from "./written-proof.ts";

const soon = { timeoutMs: 1_000 };
const proof = { key: "/lock", createRevision: 5, written: "/proof" };

/** An etcd that knows a lock and what its holder writes, and carries out proofs. */
function setUp() {
  const clock = createManualClock();
  const fake = createFakeEtcd(clock);
  const state: { lock: KeyValue | undefined; mark: KeyValue | undefined; revision: number } = {
    lock: keyValue({ key: "/lock", createRevision: 5 }),
    mark: undefined,
    revision: 10,
  };
  function carryOut({ compare, success }: Transaction) {
    const holds = compare.every(({ key, target, value }) => {
      const kv = key === "/lock" ? state.lock : state.mark;
      if (target === "lease") return (kv?.lease ?? "0") === value;
      if (target === "value") return kv?.value === value;
      return (target === "create" ? (kv?.createRevision ?? 0) : (kv?.modRevision ?? 0)) === value;
    });
    const [put] = success;
    if (holds && put?.type === "put") write(put.value);
    const ranges = [state.lock, state.mark].map((kv) => ({ type: "range" as const, kvs: kv ? [kv] : [] }));
    return {
      succeeded: holds,
      results: holds ? [{ type: "put" as const }] : ranges,
      revision: state.revision,
    };
  }
  function write(value: string): void {
    state.revision += 1;
    state.mark = keyValue({ key: "/proof", value, modRevision: state.revision });
  }
  fake.onTxn = async ({ transaction }) => carryOut(transaction);
  const writer = (etcd: EtcdApi = fake) => createProofWriter(etcd, "7", { clock, nonce: randomNonce });
  return { clock, fake, state, carryOut, write, writer };
}

test("each proof writes, and compares what the one before wrote", async () => {
  const { state, writer } = setUp();
  const { write } = writer();
  for (const revision of [11, 12, 13]) {
    expect(await write(proof, soon)).toBe(true);
    expect(state.mark?.modRevision).toBe(revision);
  }
});

test("a proof whose answer was lost, or that was carried out twice, does not fail the next", async () => {
  const { fake, carryOut, writer } = setUp();
  const { write } = writer();
  fake.onTxn = async ({ transaction }) => {
    carryOut(transaction);
    throw new EtcdUnavailableError("no answer");
  };
  await expect(write(proof, soon)).rejects.toThrow("no answer");
  fake.onTxn = async ({ transaction }) => {
    carryOut(transaction);
    return carryOut(transaction);
  };
  expect(await write(proof, soon)).toBe(true);
  expect(await write(proof, soon)).toBe(true);
});

test("proofs that overtake each other are all the holder's", async () => {
  const { fake, carryOut, writer } = setUp();
  const { write } = writer();
  const late = Promise.withResolvers<void>();
  fake.onTxn = async ({ transaction }) => {
    await late.promise;
    return carryOut(transaction);
  };
  const first = write(proof, soon);
  fake.onTxn = async ({ transaction }) => carryOut(transaction);
  expect(await write(proof, soon)).toBe(true);
  late.resolve();
  await expect(first).resolves.toBe(true);
  expect(await write(proof, soon)).toBe(true);
});

test("of a node and its copy, which have one lease and one token, one fails", async () => {
  const { writer } = setUp();
  const [node, copy] = [writer(), writer()];
  expect(await node.write(proof, soon)).toBe(true);
  expect(await copy.write(proof, soon)).toBe("copied");
  expect(await node.write(proof, soon)).toBe(true);
});

test("a proof fails when the lock is gone, another's, or somebody else has written or deleted its key", async () => {
  const { state, write: writeByHand, writer } = setUp();
  const { write } = writer();
  expect(await write(proof, soon)).toBe(true);
  const { lock, mark } = state;
  for (const other of [
    undefined,
    keyValue({ ...lock, createRevision: 6 }),
    keyValue({ ...lock, lease: "8" }),
  ]) {
    state.lock = other;
    expect(await write(proof, soon)).toBe(false);
  }
  state.lock = lock;
  state.mark = undefined;
  expect(await write(proof, soon)).toBe(false);
  state.mark = mark;
  expect(await write(proof, soon)).toBe(true);
  writeByHand("x");
  expect(await write(proof, soon)).toBe("copied");
});

test("what was written for an earlier lock is not missed in an etcd that was restored to before it", async () => {
  const { state, writer } = setUp();
  const { begin, write } = writer();
  expect(await write(proof, soon)).toBe(true);
  state.mark = undefined;
  begin();
  expect(await write(proof, soon)).toBe(true);
  state.mark = undefined;
  expect(await write(proof, soon)).toBe(false);
});

test("after a restore a copy's write is seen, also at the very revision that we wrote last", async () => {
  const { state, write: writeByHand, writer } = setUp();
  const { write } = writer();
  for (let proofs = 0; proofs < 3; proofs++) expect(await write(proof, soon)).toBe(true);
  const snapshot = state.mark;
  expect(await write(proof, soon)).toBe(true);
  const { revision } = state;
  state.mark = snapshot;
  state.revision = revision - 1;
  writeByHand("a copy's");
  expect(state.mark?.modRevision).toBe(revision);
  expect(await write(proof, soon)).toBe("copied");
});

test("a restored etcd is written again at the next proof but one", async () => {
  const { state, writer } = setUp();
  const { write } = writer();
  expect(await write(proof, soon)).toBe(true);
  const snapshot = state.mark;
  expect(await write(proof, soon)).toBe(true);
  state.mark = snapshot;
  state.revision = 11;
  expect(await write(proof, soon)).toBe(true);
  expect(state.mark).toBe(snapshot);
  expect(await write(proof, soon)).toBe(true);
  expect(state.mark?.modRevision).toBe(12);
});

test("a lease is proved by writes, and by reads while etcd is out of space", async () => {
  const { clock, fake, state } = setUp();
  const lease = await acquireLease(fake, { ttlSeconds: 6, probeKey: "/probe", clock });
  lease.prove(proof);
  await clock.advance(2_000);
  expect([lease.seen, fake.calls.txn.length, fake.calls.range.length]).toEqual([2_000, 2, 0]);
  fake.onTxn = async () => {
    throw new EtcdNoSpaceError("database space exceeded");
  };
  fake.onRange = async () => (state.lock ? [state.lock] : []);
  await clock.advance(8_000);
  expect(lease.seen).toBe(10_000);
  state.lock = undefined;
  await clock.advance(2_000);
  expect(lease.lost.reason).toMatchObject({ kind: "proof-failed" });
});

test("a write that etcd refuses for another reason than its space is no proof, and no read stands in for it", async () => {
  const { clock, fake, state } = setUp();
  const lease = await acquireLease(fake, { ttlSeconds: 6, probeKey: "/probe", clock });
  lease.prove(proof);
  await clock.advance(2_000);
  fake.onTxn = async () => {
    throw new EtcdRequestError("duplicate key given in txn request");
  };
  fake.onRange = async () => (state.lock ? [state.lock] : []);
  await clock.advance(3_000);
  expect([lease.seen, fake.calls.range.length]).toEqual([2_000, 0]);
  await clock.advance(3_000);
  expect(lease.lost.aborted).toBe(true);
});

test("a lease whose proof was written by somebody else is lost at once, and left to the copy that uses it", async () => {
  const { clock, fake, write } = setUp();
  const lease = await acquireLease(fake, { ttlSeconds: 6, probeKey: "/probe", clock });
  lease.prove(proof);
  await clock.advance(2_000);
  write("a copy's");
  await clock.advance(2_000);
  expect(lease.lost.reason).toMatchObject({ kind: "copied", seen: 2_000 });
  await lease.release();
  expect(fake.calls.revoke).toEqual([]);
});

test("an answer that tells of a copy loses the lease, also when something else is to be proved by then", async () => {
  const { clock, fake, carryOut, write } = setUp();
  const lease = await acquireLease(fake, { ttlSeconds: 6, probeKey: "/probe", clock });
  lease.prove(proof);
  await clock.advance(2_000);
  write("a copy's");
  const answer = Promise.withResolvers<void>();
  fake.onTxn = async ({ transaction }) => {
    const result = carryOut(transaction);
    await answer.promise;
    return result;
  };
  await clock.advance(2_000);
  lease.prove(undefined);
  answer.resolve();
  await clock.advance(0);
  expect(lease.lost.reason).toMatchObject({ kind: "copied" });
  await lease.release();
  expect(fake.calls.revoke).toEqual([]);
});
