import { createManualClock } from "@msdha/clock";
import { acquireLease } from "@msdha/etcd-lease";
import { settle } from "@msdha/etcd-lock";
import { createSimulatedEtcd } from "@msdha/etcd-simulated";
import { expect, test } from "vitest";
import { campaign } from "./campaign.ts";
import type { Candidacy, Candidate } from "./candidacy.ts";
import { type Choice, holdElection } from "./election.ts";
import { followGroup } from "./follow-group.ts";
import { giveBackLock, prepareHandover } from "./hand-over.ts";
import { groupKeys } from "./keys.ts";
import type { MasterLock } from "./master-lock.ts";
import { joinGroup } from "./membership.ts";

const keys = groupKeys("db");
const LIMIT_MS = 5_000;

/** A candidate that answers after a while. */
function answers(candidacy: Candidacy, afterMs = 0): (clock: Clock) => Candidate {
  return (clock) => {
    let refused = false;
    return {
      async ask({ signal }) {
        await clock.sleep(afterMs, { signal });
        refused = !candidacy.may;
        return candidacy;
      },
      get refused() {
        return refused;
      },
    };
  };
}

type Clock = ReturnType<typeof createManualClock>;

const rank = (value: bigint, afterMs?: number) => answers({ may: true, rank: value }, afterMs);
const no = (afterMs?: number) => answers({ may: false }, afterMs);

function setUp() {
  const clock = createManualClock();
  const etcd = createSimulatedEtcd({ clock });
  const stop = new AbortController();
  const { signal } = stop;

  /** A node that is ready and competes; `none` has no candidate at all. */
  const node = async (name: string, make?: (clock: Clock) => Candidate) => {
    const client = etcd.connect();
    const candidate = make?.(clock);
    const lease = await acquireLease(client, { ttlSeconds: 3, probeKey: "/msdha/", clock });
    const follower = followGroup(client, "db", { clock, signal });
    const membership = await joinGroup(client, keys, {
      name,
      lease,
      details: {
        runId: name,
        address: name,
        ttlSeconds: 3,
        ...(candidate && { candidateTimeoutMs: LIMIT_MS }),
      },
      clock,
      signal,
    });
    await membership.enter("ready");
    const options = { membership, ttlSeconds: 3, clock, signal, candidate };
    const taken: MasterLock[] = [];
    const compete = async (): Promise<void> => {
      const lock = await campaign(client, follower, options);
      await settle(follower, lock, { clock, signal });
      taken.push(lock);
    };
    void compete().catch(() => {});
    await clock.advance(0);
    const elect = (lock: MasterLock | undefined) => {
      if (!lock) throw new Error(`expected ${name} to hold the lock`);
      const began = clock.now();
      const outcome: { choice?: Choice; afterMs?: number } = {};
      void holdElection(client, follower, lock, options).then((choice) => {
        Object.assign(outcome, { choice, afterMs: clock.now() - began });
      });
      return outcome;
    };
    const handTo = async (lock: MasterLock, chosen: string | undefined): Promise<void> => {
      const handover = await prepareHandover(client, options);
      await giveBackLock(client, keys, lock, { ...options, handover, for: chosen });
      await clock.advance(0);
    };
    const lock = (): MasterLock | undefined => taken.at(-1);
    return { client, lease, membership, follower, elect, handTo, lock, compete, candidate };
  };
  const holder = async (name: string, make?: (clock: Clock) => Candidate) => {
    const made = await node(name, make);
    await clock.advance(6_000);
    return made;
  };
  return { clock, etcd, node, holder, stop };
}

test("chooses its holder at once when nobody is asked", async () => {
  const { clock, node, holder } = setUp();
  const a = await holder("a");
  await node("b");
  const outcome = a.elect(a.lock());
  await clock.advance(0);
  expect(outcome).toMatchObject({ choice: { node: "a", silent: [] }, afterMs: 0 });
});

test.each([0, 700, 2_000, 4_500, LIMIT_MS])(
  "chooses the highest rank when the better node takes %i ms to answer",
  async (afterMs) => {
    const { clock, node, holder } = setUp();
    const a = await holder("a", rank(10n));
    await node("b", rank(11n, afterMs));
    await node("c", rank(9n));
    const outcome = a.elect(a.lock());
    await clock.advance(afterMs - 1);
    expect(outcome.choice?.node).toBeUndefined();
    await clock.advance(1);
    expect(outcome).toMatchObject({ choice: { node: "b", silent: [] }, afterMs });
  },
);

test("chooses a node that became ready during the wait", async () => {
  const { clock, node } = setUp();
  const a = await node("a", rank(10n));
  await clock.advance(5_900);
  await node("b", rank(1_000_000n));
  await clock.advance(100);
  const outcome = a.elect(a.lock());
  await clock.advance(0);
  expect(outcome.choice?.node).toBe("b");
});

test("compares ranks of 20 digits exactly, and puts nodes without a rank last", async () => {
  const { clock, node, holder } = setUp();
  const a = await holder("a", answers({ may: true }));
  await node("b", rank(17_327_900_000_000_000_001n));
  await node("c", rank(17_327_900_000_000_000_002n));
  const outcome = a.elect(a.lock());
  await clock.advance(0);
  expect(outcome.choice?.node).toBe("c");
});

test("keeps the holder among equals", async () => {
  const { clock, node, holder } = setUp();
  const b = await holder("b", rank(3n));
  await node("a", rank(3n));
  const outcome = b.elect(b.lock());
  await clock.advance(0);
  expect(outcome.choice?.node).toBe("b");
});

test("does not wait for a node that says no, that is gone, or that is not asked", async () => {
  const { clock, etcd, node, holder } = setUp();
  const a = await holder("a", rank(1n));
  await node("b", no());
  await node("c", rank(9n, LIMIT_MS));
  await node("d");
  const outcome = a.elect(a.lock());
  await clock.advance(100);
  expect(outcome).toEqual({});
  etcd.store.delete(keys.node("c"));
  await clock.advance(0);
  expect(outcome).toMatchObject({ choice: { node: "a", silent: [] }, afterMs: 100 });
});

test("a request that is carried out late opens no other round", async () => {
  const { clock, node, holder } = setUp();
  const a = await holder("a", rank(1n));
  await node("b", rank(9n, 2_000));
  let requests = 0;
  a.client.onRequest = ({ call, content }) => {
    const opens =
      call === "txn" && JSON.stringify(content).includes('"type":"put","key":"/msdha/db/_election"');
    // The first one arrives when the second, which follows after a TTL, has been carried out.
    return opens && requests++ === 0 ? 3_500 : 0;
  };
  const outcome = a.elect(a.lock());
  await clock.advance(6_000);
  expect(requests).toBe(2);
  expect(outcome.choice).toMatchObject({ node: "b", silent: [] });
});

test("an answer that is carried out late does not take the place of one in a later round", async () => {
  const { clock, node, holder } = setUp();
  const a = await holder("a", rank(1n));
  const b = await node("b", rank(9n));
  let requests = 0;
  b.client.onRequest = ({ call, content }) =>
    call === "txn" && JSON.stringify(content).includes("_rank/b") && requests++ === 0 ? 3_500 : 0;
  const lock = a.lock();
  a.elect(lock);
  await clock.advance(3_100);
  const second = a.elect(lock);
  await clock.advance(0);
  await clock.advance(1_000);
  expect(second.choice).toMatchObject({ node: "b", silent: [] });
  expect(b.follower.view.answers.get("b")?.round).toBe(b.follower.view.election?.round);
});

test("decides without a node that does not answer, a second after that one's own limit", async () => {
  const { clock, node, holder } = setUp();
  const a = await holder("a", rank(1n));
  await node("b", rank(9n, 60_000));
  const outcome = a.elect(a.lock());
  await clock.advance(LIMIT_MS + 999);
  expect(outcome).toEqual({});
  await clock.advance(1);
  expect(outcome.choice).toMatchObject({ node: "a", silent: ["b"] });
});

test("chooses nobody when all say no, and a node without a candidate when all others do", async () => {
  const alone = setUp();
  const a = await alone.holder("a", no());
  const outcome = a.elect(a.lock());
  await alone.clock.advance(0);
  expect(outcome.choice?.node).toBeUndefined();
  await alone.node("b");
  const second = a.elect(a.lock());
  await alone.clock.advance(0);
  expect(second.choice?.node).toBe("b");
});

test("the node that is chosen takes the lock without a wait, and the others leave it to that one", async () => {
  const { clock, node, holder } = setUp();
  const a = await holder("a", rank(1n));
  const b = await node("b", rank(2n));
  const c = await node("c", rank(3n));
  const lock = a.lock();
  if (!lock) throw new Error("expected the lock");
  a.elect(lock);
  await clock.advance(0);
  void a.compete();
  await a.handTo(lock, "c");
  expect([a.lock(), b.lock()]).toEqual([lock, undefined]);
  expect(c.lock()).toMatchObject({ takenAfter: "handover", waitMs: 0, handover: { node: "a", for: "c" } });
});

test("a hand-over is left to the node that it names for a TTL, or as long as that one is ready", async () => {
  const { clock, etcd, node, holder } = setUp();
  const a = await holder("a", rank(1n));
  const b = await node("b", rank(2n));
  const lock = a.lock();
  if (!lock) throw new Error("expected the lock");
  const runId = JSON.stringify({ runId: "x", address: "x", ttlSeconds: 3 });
  etcd.store.put(keys.details("x"), runId);
  etcd.store.put(keys.node("x"), "ready");
  await a.handTo(lock, "x");
  await clock.advance(2_900);
  expect(b.lock()).toBeUndefined();
  await clock.advance(100);
  expect(b.lock()).toMatchObject({ takenAfter: "handover", waitMs: 0 });

  const other = setUp();
  const c = await other.holder("c", rank(1n));
  const d = await other.node("d", rank(2n));
  const held = c.lock();
  if (!held) throw new Error("expected the lock");
  await c.handTo(held, "gone");
  expect(d.lock()).toMatchObject({ takenAfter: "handover" });
});

test("a node whose candidate said no is asked every second, and takes the lock only when it says yes", async () => {
  const { clock, etcd, holder } = setUp();
  let asked = 0;
  const a = await holder("a", () => ({
    ask: async () => {
      asked += 1;
      return { may: asked > 4 };
    },
    get refused() {
      return asked > 0 && asked <= 4;
    },
  }));
  const lock = a.lock();
  if (!lock) throw new Error("expected the lock");
  a.elect(lock);
  await clock.advance(0);
  await a.handTo(lock, undefined);
  void a.compete();
  await clock.advance(2_500);
  expect(asked).toBe(4);
  expect(etcd.store.get(keys.lock)).toBeUndefined();
  await clock.advance(1_000);
  expect(etcd.store.get(keys.lock)?.value).toContain("handover");
});

test("believes no answer of another round, or on another lease than its node's", async () => {
  const { clock, etcd, holder } = setUp();
  const a = await holder("a", rank(1n));
  const details = { runId: "x", address: "x", ttlSeconds: 3, candidateTimeoutMs: 1_000 };
  const x = await acquireLease(etcd.connect(), { ttlSeconds: 3, probeKey: "/msdha/", clock });
  etcd.store.put(keys.details("x"), JSON.stringify(details));
  etcd.store.put(keys.node("x"), "ready", { lease: x.id });
  etcd.store.put(keys.rank("x"), JSON.stringify({ round: 1, may: true, rank: "9" }));
  const outcome = a.elect(a.lock());
  await clock.advance(0);
  const round = etcd.store.get(keys.election)?.modRevision;
  etcd.store.put(keys.rank("x"), JSON.stringify({ round, may: true, rank: "9" }), { lease: a.lease.id });
  await clock.advance(1_999);
  expect(outcome).toEqual({});
  await clock.advance(1);
  expect(outcome.choice?.node).toBe("a");
});

test("an election that is over stops the candidates that have not answered", async () => {
  const { clock, etcd, node, holder } = setUp();
  const a = await holder("a", rank(1n));
  let stopped = false;
  await node("b", () => ({
    refused: false,
    ask: ({ signal }) =>
      new Promise((_, reject) => {
        signal.addEventListener("abort", () => {
          stopped = true;
          reject(signal.reason);
        });
      }),
  }));
  a.elect(a.lock());
  await clock.advance(100);
  expect(stopped).toBe(false);
  etcd.store.delete(keys.election);
  await clock.advance(0);
  expect(stopped).toBe(true);
});
