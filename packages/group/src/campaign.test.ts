import { createManualClock } from "@msdha/clock";
import { unknownHandovers } from "@msdha/etcd-lock";
import { createSimulatedEtcd } from "@msdha/etcd-simulated";
import { expect, test } from "vitest";
import { makeReadyNode } from "../test/ready-node.ts";
import { campaign } from "./campaign.ts";
import type { GroupFollower } from "./follow-group.ts";
import { giveBackLock, prepareHandover } from "./hand-over.ts";
import { groupKeys } from "./keys.ts";
import type { MasterLock } from "./master-lock.ts";

const keys = groupKeys("db");

test("a node that left the lock to another does not take it back before its watch has told of that", async () => {
  const clock = createManualClock();
  const etcd = createSimulatedEtcd({ clock });
  const { signal } = new AbortController();
  const node = (name: string) => makeReadyNode(etcd.connect(), "db", { name, clock, signal });
  const a = await node("a");
  const b = await node("b");
  const lock = await campaign(a.client, a.follower, a.options);
  await clock.advance(0);
  const late = a.follower.view;
  expect(late.lock?.node).toBe("a");

  const handover = await prepareHandover(a.client, a.options);
  await giveBackLock(a.client, keys, lock, { ...a.options, handover, for: "b" });
  const takenBy: string[] = [];
  const compete = (name: string, of: typeof a, follower: GroupFollower): void =>
    void campaign(of.client, follower, of.options).then((taken: MasterLock) => {
      takenBy.push(`${name} by ${taken.takenAfter}`);
    });
  let toldAt = Number.POSITIVE_INFINITY;
  const lagging: GroupFollower = {
    ...a.follower,
    get view() {
      return clock.now() < toldAt ? late : a.follower.view;
    },
    handovers: unknownHandovers,
    changed: (change) => clock.sleep(Math.min(change.timeoutMs ?? 1, 1)),
  };
  compete("a", a, lagging);
  await clock.advance(5);
  expect(takenBy).toEqual([]);
  toldAt = clock.now();
  compete("b", b, b.follower);
  await clock.advance(5);
  expect(takenBy).toEqual(["b by handover"]);
});
