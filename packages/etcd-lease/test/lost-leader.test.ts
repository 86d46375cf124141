import { systemClock } from "@msdha/clock";
import { waitFor } from "@msdha/testkit";
import { afterAll, beforeAll, expect, test } from "vitest";
import { lossOf } from "./harness.ts";
import { memberFaults, startThreeMembers, type ThreeMembers } from "./three-members.ts";

let etcd: ThreeMembers;
beforeAll(async () => {
  etcd = await startThreeMembers();
});
afterAll(() => etcd?.[Symbol.asyncDispose]());

test.each(memberFaults)("leases survive the %s of the leader", async (fault) => {
  await etcd.expectSurvival(fault, await etcd.cluster.leader());
});

test("a leader that has lost the others may renew a lease, but proves nothing", async () => {
  const { cluster } = etcd;
  const leader = await cluster.leader();
  await using held = await etcd.holdThrough(leader, 3);
  const others = cluster.members.filter((_, index) => index !== leader);
  await waitFor(() => held.lease.seen > 0, { what: "a proof" });
  for (const other of others) other.freeze();
  const at = systemClock.now();
  try {
    const { error } = await lossOf(held.lease);
    expect(error.kind).toBe("expired");
    expect(error.seen).toBeLessThanOrEqual(at);
  } finally {
    for (const other of others) other.thaw();
    await cluster.ready();
  }
});
