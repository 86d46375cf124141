import { afterAll, beforeAll, test } from "vitest";
import { memberFaults, startThreeMembers, type ThreeMembers } from "./three-members.ts";

let etcd: ThreeMembers;
beforeAll(async () => {
  etcd = await startThreeMembers();
});
afterAll(() => etcd?.[Symbol.asyncDispose]());

test.each(memberFaults)("leases survive the %s of a follower", async (fault) => {
  await etcd.expectSurvival(fault, ((await etcd.cluster.leader()) + 1) % 3);
});
