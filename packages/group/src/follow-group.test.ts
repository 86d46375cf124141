import { createManualClock } from "@msdha/clock";
import { staleHandover, wasUsed } from "@msdha/etcd-lock";
import { createSimulatedEtcd } from "@msdha/etcd-simulated";
import { expect, test } from "vitest";
import { followGroup } from "./follow-group.ts";
import { groupKeys } from "./keys.ts";

const keys = groupKeys("db");

async function setUp() {
  const clock = createManualClock();
  const etcd = createSimulatedEtcd({ clock });
  const client = etcd.connect();
  const follower = followGroup(client, "db", { clock, signal: new AbortController().signal });
  await clock.advance(10);
  const stale = (): number => staleHandover(follower.handovers, follower.view.revision);
  return { clock, etcd, client, follower, stale };
}

test("a hand-over that was told, or is newer than all that was told, can be believed", async () => {
  const { clock, etcd, client, stale } = await setUp();
  etcd.store.put(keys.handover, "{}");
  await clock.advance(10);
  const told = etcd.store.get(keys.handover)?.createRevision ?? 0;
  etcd.store.put(keys.node("a"), "ready");
  await clock.advance(10);
  expect(stale()).toBe(told - 1);
  etcd.store.delete(keys.handover);
  await clock.advance(10);
  client.onAnswer = () => "lost";
  etcd.store.put(keys.handover, "{}");
  await clock.advance(10);
  expect(etcd.store.get(keys.handover)?.createRevision).toBeGreaterThan(stale());
});

test("one that must have been told, and was not, is of a history that was restored: it is not", async () => {
  const { clock, etcd, client, stale } = await setUp();
  etcd.store.put(keys.handover, "{}");
  const snapshot = etcd.store.save();
  etcd.store.delete(keys.handover);
  etcd.store.put(keys.node("a"), "ready");
  await clock.advance(10);
  client.onAnswer = () => "lost";
  etcd.store.restore(snapshot);
  for (let more = 0; more < 5; more += 1) etcd.store.put(keys.node("b"), "ready");
  await clock.advance(10);
  expect(etcd.store.get(keys.handover)?.createRevision).toBeLessThanOrEqual(stale());
});

test("a hand-over that was used is known again when etcd is restored a second time, to a newer snapshot of before", async () => {
  const { clock, etcd, follower, stale } = await setUp();
  const old = etcd.store.save();
  etcd.store.put(keys.node("a"), "ready");
  etcd.store.put(keys.handover, "{}");
  await clock.advance(10);
  const newer = etcd.store.save();
  etcd.store.delete(keys.handover);
  await clock.advance(10);
  etcd.store.restore(old);
  await clock.advance(10_000);
  const { revision } = follower.view;
  etcd.store.restore(newer);
  const found = etcd.store.get(keys.handover);
  if (!found) throw new Error("expected the hand-over of before");
  expect(found.createRevision).toBeGreaterThan(revision);
  expect(wasUsed(follower.handovers, found)).toBe(true);
  await clock.advance(10_000);
  expect(follower.view.handover).toBe(found.createRevision);
  expect(stale()).toBeGreaterThanOrEqual(found.createRevision);
});
