import { createManualClock } from "@msdha/clock";
import { LockLostError } from "@msdha/etcd-lock";
import { createSimulatedEtcd } from "@msdha/etcd-simulated";
import { expect, test } from "vitest";
import { join, type Member } from "./join.ts";
import { groupKeys } from "./keys.ts";
import type { Lead } from "./lead.ts";
import { mastership } from "./view.ts";

const keys = groupKeys("db");

async function twoMembers() {
  const clock = createManualClock();
  const etcd = createSimulatedEtcd({ clock });
  const enter = async (name: string): Promise<Member> => {
    const member = await join(etcd.connect(), "db", { name, ttlSeconds: 3, clock });
    await member.enter("ready");
    return member;
  };
  const [a, b] = [await enter("a"), await enter("b")];
  await clock.advance(0);
  return { clock, etcd, a, b };
}

/** Notes when a member has a lead that has settled. */
function follow(member: Member, clock: { now(): number }) {
  const seen: { lead?: Lead; settledAt?: number; error?: unknown } = {};
  async function run(): Promise<void> {
    seen.lead = await member.campaign();
    await seen.lead.settled();
    seen.settledAt = clock.now();
  }
  void run().catch((error: unknown) => {
    seen.error = error;
  });
  return seen;
}

test("a member becomes the master, stores a value, and hands over to the next one without a wait", async () => {
  const { clock, a, b } = await twoMembers();
  const first = follow(a, clock);
  await clock.advance(6_100);
  expect(first.settledAt).toBeDefined();
  await first.lead?.publish();
  await first.lead?.put("x", "1", { timeoutMs: 1_000 });
  await clock.advance(0);
  expect(mastership(b.view)).toMatchObject({ kind: "master", name: "a", address: "a" });

  const second = follow(b, clock);
  const handedOver = first.lead?.handOver();
  await clock.advance(100);
  expect(await handedOver).toBe(true);
  expect(second.lead?.token).toBeGreaterThan(first.lead?.token ?? Number.POSITIVE_INFINITY);
  expect(second.settledAt).toBeDefined();
  expect(a.view.nodes.get("a")?.state).toBe("ready");
  expect(a.lost.aborted).toBe(false);
});

test("a master whose lock is gone is lost, and can't hand over", async () => {
  const { clock, etcd, a, b } = await twoMembers();
  const first = follow(a, clock);
  await clock.advance(6_100);
  await first.lead?.publish();
  await etcd
    .connect()
    .txn({ compare: [], success: [{ type: "delete", key: keys.lock }], failure: [] }, { timeoutMs: 1_000 });
  await clock.advance(0);
  expect(a.lost.reason).toBeInstanceOf(LockLostError);
  const second = follow(b, clock);
  await clock.advance(100);
  expect(second.lead?.takenAfter).toBe("wait");
  expect(second.settledAt).toBeUndefined();
});

test("a member that leaves takes its node key with it, and a master its lock", async () => {
  const { clock, a, b } = await twoMembers();
  const first = follow(a, clock);
  await clock.advance(6_100);
  await first.lead?.publish();
  await a.leave();
  await clock.advance(0);
  expect([...b.view.nodes.keys()]).toEqual(["b"]);
  expect(b.view.lock).toBeUndefined();
  expect(b.view.handover).toBeUndefined();
});

test("the caller's signal ends a campaign, with its reason", async () => {
  const clock = createManualClock();
  const stop = new AbortController();
  const etcd = createSimulatedEtcd({ clock });
  const member = await join(etcd.connect(), "db", { name: "a", ttlSeconds: 3, clock, signal: stop.signal });
  await member.enter("ready");
  const campaigning = follow(member, clock);
  await clock.advance(0);
  stop.abort(new Error("enough"));
  await clock.advance(0);
  expect(String(campaigning.error)).toBe("Error: enough");
});
