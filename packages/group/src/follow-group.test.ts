import { createManualClock } from "@msdha/clock";
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
  return { clock, etcd, client, follower };
}

test("a hand-over that was told, or is newer than all that was told, can be believed", async () => {
  const { clock, etcd, client, follower } = await setUp();
  etcd.store.put(keys.handover, "{}");
  await clock.advance(10);
  const told = etcd.store.get(keys.handover)?.createRevision ?? 0;
  etcd.store.put(keys.node("a"), "ready");
  await clock.advance(10);
  expect(follower.staleHandover).toBe(told - 1);
  etcd.store.delete(keys.handover);
  await clock.advance(10);
  client.onAnswer = () => "lost";
  etcd.store.put(keys.handover, "{}");
  await clock.advance(10);
  expect(etcd.store.get(keys.handover)?.createRevision).toBeGreaterThan(follower.staleHandover);
});

test("one that must have been told, and was not, is of a history that was restored: it is not", async () => {
  const { clock, etcd, client, follower } = await setUp();
  etcd.store.put(keys.handover, "{}");
  const snapshot = etcd.store.save();
  etcd.store.delete(keys.handover);
  etcd.store.put(keys.node("a"), "ready");
  await clock.advance(10);
  client.onAnswer = () => "lost";
  etcd.store.restore(snapshot);
  for (let more = 0; more < 5; more += 1) etcd.store.put(keys.node("b"), "ready");
  await clock.advance(10);
  expect(etcd.store.get(keys.handover)?.createRevision).toBeLessThanOrEqual(follower.staleHandover);
});
