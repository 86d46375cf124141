import { createManualClock } from "@msdha/clock";
import { createSimulatedEtcd } from "@msdha/etcd-simulated";
import { expect, test } from "vitest";
import { observeRevisions } from "./observe-revisions.ts";

const soon = { timeoutMs: 1_000 };

function setUp() {
  const clock = createManualClock();
  const simulated = createSimulatedEtcd({ clock });
  const client = simulated.connect();
  const restored: number[] = [];
  const { etcd, observed } = observeRevisions(client, { clock });
  observed.listen((revision) => void restored.push(revision));
  return { clock, store: simulated.store, client, restored, etcd, observed };
}

test("the newest revision is that of any answer", async () => {
  const { store, etcd, observed } = setUp();
  store.put("a", "1");
  await etcd.range({ key: "b" }, soon);
  expect(observed).toMatchObject({ newest: 2, restoredTo: 0 });
  await etcd.txn({ compare: [], success: [{ type: "put", key: "b", value: "2" }], failure: [] }, soon);
  expect(observed).toMatchObject({ newest: 3, restoredTo: 0 });
});

test("an answer that goes back shows a restore, and up to where", async () => {
  const { store, etcd, observed, restored } = setUp();
  const snapshot = store.save();
  for (const value of ["1", "2", "3"]) store.put("a", value);
  await etcd.range({ key: "a" }, soon);
  store.restore(snapshot);
  store.put("a", "4");
  await etcd.range({ key: "a" }, soon);
  expect(observed).toMatchObject({ newest: 2, restoredTo: 2 });
  expect(restored).toEqual([2]);
});

test("an answer that is overtaken by a newer one shows none", async () => {
  const { clock, store, client, etcd, observed } = setUp();
  client.onAnswer = () => 100;
  const slow = etcd.range({ key: "a" }, soon);
  await clock.advance(10);
  client.onAnswer = undefined;
  store.put("a", "1");
  await etcd.range({ key: "a" }, soon);
  await clock.advance(200);
  await slow;
  expect(observed).toMatchObject({ newest: 2, restoredTo: 0 });
});

test("a write at a revision that was noted before shows a restore, and when", async () => {
  const { clock, store, etcd, observed, restored } = setUp();
  const snapshot = store.save();
  store.put("a", "1");
  observed.note(2);
  store.restore(snapshot);
  await clock.advance(500);
  await etcd.range({ key: "a" }, soon);
  observed.note(2);
  expect(observed.restoredAt).toBe(500);
  await clock.advance(500);
  const write = { compare: [], success: [{ type: "put", key: "b", value: "2" }], failure: [] } as const;
  await etcd.txn(write, soon);
  expect(observed).toMatchObject({ newest: 2, restoredTo: 2, restoredAt: 1_000 });
  expect(restored).toEqual([1, 1]);
  await etcd.txn(write, soon);
  expect(observed).toMatchObject({ newest: 3, restoredTo: 2, restoredAt: 1_000 });
});
