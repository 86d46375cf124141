import { createManualClock, type ManualClock } from "@msdha/clock";
import type { EtcdApi, KeyValue } from "@msdha/etcd-client";
import { applyBatch, createGroupView, type GroupView } from "@msdha/group";
import { describe, expect, it } from "vitest";
import { type MasterProver, proveMaster } from "./prove-master.ts";

describe("proveMaster", () => {
  it("proves a master that the first read shows, and no sooner", async () => {
    const trial = start([...lockOf("a", 7), ...masterKey("a", 8)], 8);
    trial.watch();
    expect(trial.told).toEqual([]);
    await trial.clock.advance(0);
    expect(trial.told).toEqual([true]);
  });

  it("proves a master that was published after the last read without another one", async () => {
    const trial = start([], 5);
    trial.watch();
    await trial.clock.advance(100);
    trial.etcd.silent = true;
    trial.set([...lockOf("a", 7), ...masterKey("a", 8)], 8);
    trial.watch();
    expect(trial.told).toEqual([true]);
  });

  it("tells when two TTLs have passed since the last answered read was sent, and when one is answered again", async () => {
    const trial = start([...lockOf("a", 7), ...masterKey("a", 8)], 8);
    trial.watch();
    await trial.clock.advance(3_500);
    trial.etcd.silent = true;
    await trial.clock.advance(5_499);
    expect(trial.told).toEqual([true]);
    await trial.clock.advance(1);
    expect(trial.told).toEqual([true, false]);
    trial.etcd.silent = false;
    await trial.clock.advance(1_500);
    expect(trial.told).toEqual([true, false, true]);
  });

  it("uses the TTL of the group's record", async () => {
    const trial = start([...lockOf("a", 7), ...masterKey("a", 8), entry("_ttl", "30", 7)], 8);
    trial.watch();
    await trial.clock.advance(0);
    trial.etcd.silent = true;
    await trial.clock.advance(59_000);
    expect(trial.told).toEqual([true]);
    await trial.clock.advance(1_001);
    expect(trial.told).toEqual([true, false]);
  });

  it("does not believe a watch that still shows a master whose lock is gone", async () => {
    const trial = start([...lockOf("a", 7), ...masterKey("a", 8)], 8);
    trial.watch();
    await trial.clock.advance(0);
    trial.set([...lockOf("b", 9), ...masterKey("b", 10)], 10);
    await trial.clock.advance(1_000);
    expect(trial.told).toEqual([true, false]);
    trial.watch();
    await trial.clock.advance(0);
    expect(trial.told).toEqual([true, false, true]);
  });

  it("does not believe a watch that shows a master whose node key is gone", async () => {
    const trial = start([...lockOf("a", 7), ...masterKey("a", 8)], 8);
    trial.watch();
    await trial.clock.advance(0);
    trial.set(lockOf("a", 7), 9);
    await trial.clock.advance(1_000);
    expect(trial.told).toEqual([true, false]);
  });

  it("does not believe a late watch that shows a former master, however often it was read that there is another", async () => {
    const trial = start([...lockOf("b", 20), ...masterKey("b", 21)], 21);
    await trial.clock.advance(2_000);
    trial.set([...lockOf("a", 7), ...masterKey("a", 8)], 8);
    trial.watch();
    trial.set([...lockOf("b", 20), ...masterKey("b", 21)], 21);
    await trial.clock.advance(10_000);
    expect(trial.told.at(-1)).toBe(false);
  });

  it("takes an answer that is older than what the watch has shown for none", async () => {
    const trial = start([...lockOf("a", 7), ...masterKey("a", 8)], 8);
    trial.watch();
    await trial.clock.advance(0);
    trial.etcd.revision = 6;
    await trial.clock.advance(6_000);
    expect(trial.told).toEqual([true, false]);
  });
});

const GROUP = "db";

function entry(key: string, value: string, modRevision: number, more: Partial<KeyValue> = {}): KeyValue {
  return {
    key: `/msdha/${GROUP}/${key}`,
    value,
    createRevision: modRevision,
    modRevision,
    lease: "0",
    ...more,
  };
}

function lockOf(node: string, token: number): KeyValue[] {
  return [entry("_lock", JSON.stringify({ node, takenAfter: "wait" }), token, { lease: node })];
}

function masterKey(node: string, published: number): KeyValue[] {
  return [entry(node, "master", published, { createRevision: 1, lease: node })];
}

interface Trial {
  readonly clock: ManualClock;
  readonly told: boolean[];
  readonly etcd: { silent: boolean; revision: number };
  readonly prover: MasterProver;
  /** Changes what etcd holds. */
  set(kvs: readonly KeyValue[], revision: number): void;
  /** Has the watch show what etcd holds. */
  watch(): void;
}

/** A prover with a TTL of 3 s that has asked for the first time. */
function start(initial: readonly KeyValue[], revision: number): Trial {
  const clock = createManualClock();
  const told: boolean[] = [];
  const etcd = { silent: false, revision };
  let kvs = initial;
  const txn: EtcdApi["txn"] = async ({ success }, { timeoutMs, signal }) => {
    if (etcd.silent) {
      await clock.sleep(timeoutMs, { signal });
      throw new Error("no answer");
    }
    const results = success.map((operation) => ({
      type: "range" as const,
      kvs: operation.type === "range" ? kvs.filter(({ key }) => key === operation.key) : [],
    }));
    return { succeeded: true, revision: etcd.revision, results };
  };
  const prover = proveMaster({ txn } as EtcdApi, GROUP, {
    clock,
    signal: new AbortController().signal,
    ttlSeconds: 3,
    onProven: (proven) => told.push(proven),
  });
  const view = (): GroupView =>
    applyBatch(createGroupView(GROUP), { type: "snapshot", revision: etcd.revision, kvs });
  return {
    clock,
    told,
    etcd,
    prover,
    set(next, at) {
      kvs = next;
      etcd.revision = at;
    },
    watch: () => prover.watched(view()),
  };
}
