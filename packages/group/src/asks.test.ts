import { createManualClock } from "@msdha/clock";
import { createSimulatedEtcd } from "@msdha/etcd-simulated";
import { expect, test } from "vitest";
import { makeReadyNode } from "../test/ready-node.ts";
import { writeAsk } from "./ask.ts";
import { campaign } from "./campaign.ts";
import { holdElection } from "./election.ts";
import { giveBackLock, prepareHandover } from "./hand-over.ts";
import { groupKeys } from "./keys.ts";
import type { MasterLock } from "./master-lock.ts";
import { sweepAsks } from "./sweep-asks.ts";
import { takeLock } from "./take-lock.ts";

const keys = groupKeys("db");
const { signal } = new AbortController();
const unknown = { ttl: { seconds: 0, modRevision: 0 }, revision: 0 };

function setUp() {
  const clock = createManualClock();
  const etcd = createSimulatedEtcd({ clock });
  const ask = (kind: "pause" | "hold", node?: string, until?: number): void => {
    etcd.store.put(keys.ask(kind, node), writeAsk({ by: "eve", why: "disk swap", at: 0, until }));
  };
  const node = async (name: string) => {
    const ready = await makeReadyNode(etcd.connect(), "db", { name, clock, signal });
    const { client, follower, options } = ready;
    let lock: MasterLock | undefined;
    return {
      ...ready,
      take: () => takeLock(client, keys, unknown, options),
      /** Campaigns on; tells whether it has the lock. */
      compete: () =>
        void campaign(client, follower, options).then((taken) => {
          lock = taken;
        }),
      get lock() {
        return lock;
      },
    };
  };
  return { clock, etcd, ask, node };
}

test("a pause keeps every node from taking the lock, and a hold keeps one", async () => {
  const { etcd, ask, node } = setUp();
  const a = await node("a");
  const b = await node("b");
  ask("pause");
  expect(await a.take()).toBeUndefined();
  expect(etcd.store.get(keys.lock)).toBeUndefined();
  etcd.store.delete(keys.ask("pause"));
  ask("hold", "a");
  expect(await a.take()).toBeUndefined();
  expect(await b.take()).toMatchObject({ takenAfter: "wait" });
});

test("a pause that no operator's command has written forbids too", async () => {
  const { etcd, node } = setUp();
  etcd.store.put(keys.ask("pause"), "yes");
  expect(await (await node("a")).take()).toBeUndefined();
});

test("a hand-over outlives a take that was refused", async () => {
  const { etcd, ask, node } = setUp();
  etcd.store.put(keys.handover, "{}");
  ask("pause");
  const a = await node("a");
  expect(await a.take()).toBeUndefined();
  expect(etcd.store.get(keys.handover)).toBeDefined();
  etcd.store.delete(keys.ask("pause"));
  expect(await a.take()).toMatchObject({ takenAfter: "handover" });
});

test("a lock that was taken before the pause is the holder's, though the answer was lost", async () => {
  const { clock, ask, node } = setUp();
  const a = await node("a");
  let lost = 0;
  a.client.onAnswer = ({ call }) => (call === "txn" && lost++ === 0 ? "lost" : 0);
  const taking = a.take();
  await clock.advance(0);
  ask("pause");
  await clock.advance(3_500);
  expect(await taking).toMatchObject({ takenAfter: "wait" });
});

test("a node takes the lock as soon as a pause ends, and asks etcd only now and then before", async () => {
  const { clock, etcd, ask, node } = setUp();
  ask("pause");
  const a = await node("a");
  let asked = 0;
  a.client.onAnswer = ({ call }) => {
    if (call === "txn") asked += 1;
    return 0;
  };
  a.compete();
  await clock.advance(30_000);
  expect(a.lock).toBeUndefined();
  expect(asked).toBeLessThan(15);
  etcd.store.delete(keys.ask("pause"));
  await clock.advance(10);
  expect(a.lock?.takenAfter).toBe("wait");
});

test("a lock that is left to a node which an operator holds back is anybody's", async () => {
  const { clock, ask, node } = setUp();
  const a = await node("a");
  const b = await node("b");
  const c = await node("c");
  const lock = await a.take();
  if (!lock) throw new Error("expected the lock");
  ask("hold", "b");
  const handover = await prepareHandover(a.client, a.options);
  await giveBackLock(a.client, keys, lock, { ...a.options, handover, for: "b" });
  await clock.advance(10);
  b.compete();
  c.compete();
  await clock.advance(10);
  expect(c.lock?.takenAfter).toBe("handover");
  expect(b.lock).toBeUndefined();
});

test("a node that is held back is not chosen, the lock's holder included", async () => {
  const { clock, ask, node } = setUp();
  const a = await node("a");
  await node("b");
  const lock = await a.take();
  if (!lock) throw new Error("expected the lock");
  ask("hold", "a");
  await clock.advance(10);
  expect(await holdElection(a.client, a.follower, lock, a.options)).toMatchObject({ node: "b" });
  ask("hold", "b");
  await clock.advance(10);
  expect(await holdElection(a.client, a.follower, lock, a.options)).toMatchObject({ node: undefined });
});

test("a node that is held back says no without running its candidate hook", async () => {
  const { clock, etcd, ask, node } = setUp();
  const a = await node("a");
  ask("hold", "a");
  await clock.advance(10);
  const lock = await (await node("b")).take();
  if (!lock) throw new Error("expected the lock");
  const candidate = { refused: false, ask: () => Promise.reject(new Error("asked")) };
  const competing = campaign(a.client, a.follower, { ...a.options, candidate });
  competing.catch(() => {});
  etcd.store.put(keys.election, "b", { lease: lock.lease });
  await clock.advance(10);
  expect(etcd.store.get(keys.rank("a"))?.value).toContain('"may":false');
});

test("a pause ends by the wall clock, also if etcd was away then, and another pause is left alone", async () => {
  const { clock, etcd, ask, node } = setUp();
  ask("pause", undefined, 60_000);
  ask("hold", "b");
  const a = await node("a");
  const swept: string[] = [];
  const wallClock = clock.now;
  const onSwept = ({ kind }: { readonly kind: string }): void => void swept.push(kind);
  sweepAsks(a.client, a.follower, { wallClock, signal, onSwept }).catch(() => {});
  await clock.advance(59_000);
  expect(etcd.store.get(keys.ask("pause"))).toBeDefined();
  a.client.onAnswer = () => "lost";
  ask("pause", undefined, 90_000);
  await clock.advance(20_000);
  a.client.onAnswer = () => 0;
  await clock.advance(10_000);
  expect(etcd.store.get(keys.ask("pause"))).toBeDefined();
  await clock.advance(10_000);
  expect(etcd.store.get(keys.ask("pause"))).toBeUndefined();
  expect(etcd.store.get(keys.ask("hold", "b"))).toBeDefined();
  expect(swept).toEqual(["pause"]);
});
