import { groupKeys } from "@msdha/group";
import { expect, test } from "vitest";
import { createDriftingClock } from "../world/drifting-clock.ts";
import { createMachineTime } from "../world/machine-time.ts";
import { createProcess } from "../world/process.ts";
import { createScheduler } from "../world/scheduler.ts";
import { createSupervisorClock } from "../world/supervisor-clock.ts";
import { applyAnswer } from "./apply-answer.ts";
import { applyObserved } from "./apply-observed.ts";
import { applyRestore } from "./apply-restore.ts";
import { createFacts } from "./create-facts.ts";
import type { FrontendFacts, LockFacts, RunFacts } from "./facts.ts";

const keys = groupKeys("g");
const ttlMs = 3_000;
const lease = "17";

function makeRun() {
  const scheduler = createScheduler();
  const clock = { rate: 1, offset: 0 };
  const supervisor = createProcess(scheduler, clock);
  const run: RunFacts = {
    id: "n0#1",
    node: "n0",
    ttlMs,
    startedAt: 0,
    machine: createMachineTime(scheduler),
    rate: 1,
    hardware: createDriftingClock(scheduler, clock),
    supervisor,
    clock: createSupervisorClock(supervisor.clock, { onLeap: () => {} }),
    clusters: { first: undefined, told: new Set() },
    programs: new Set(),
    lease,
    lock: undefined,
    published: false,
    seen: 0,
    seenByClock: 0,
    readOld: false,
    lostMsAtSeen: 0,
    newest: 0,
    followed: 0,
    readTo: 0,
    overtakenAt: undefined,
    marks: new Set(),
    copiedAt: undefined,
    mastered: false,
    cleaned: false,
    former: undefined,
    follows: [],
    said: undefined,
    saidByOrder: false,
    answers: [],
    told: createFacts(keys, ttlMs).history.reader(),
  };
  /** The run asks for a key at once, is answered 10 ms later, and the world goes on until the next third of the TTL. */
  async function read(key: string, holder: string | undefined): Promise<void> {
    const sent = scheduler.now;
    const sentByClock = run.clock.now();
    await pass(10);
    const kvs =
      holder === undefined ? [] : [{ key, value: "", createRevision: 4, modRevision: 4, lease: holder }];
    applyAnswer(keys, run, {
      call: "range",
      argument: { key },
      answer: { kvs, revision: 4 },
      sent,
      sentByClock,
      lostMs: 0,
      old: false,
    });
    await pass(ttlMs / 3 - 10);
  }
  const pass = (ms: number): Promise<void> =>
    scheduler.run(scheduler.now + ms, { afterEach: () => {}, stop: () => false });
  return { run, read };
}

const held: LockFacts = {
  ...{ token: 4, restores: 0, lease, run: undefined, node: "n0" },
  ...{
    waitMs: 6_000,
    takenAt: 0,
    chosen: false,
    freeSince: 0,
    receivedAt: undefined,
    decisions: 0,
    published: false,
  },
};

test("a node that does not know of its key yet is proven by any read of what it probes", async () => {
  const { run, read } = makeRun();
  for (let round = 0; round < 5; round += 1) await read(keys.lock, "99");
  expect(run.seen).toBe(4_000);
  await read(keys.node("n0"), lease);
  expect(run.seen).toBe(5_000);
});

test("who has taken the lock is not proven by a lock that is somebody else's, nor a master by its node key", async () => {
  const { run, read } = makeRun();
  run.lock = held;
  await read(keys.lock, "99");
  await read(keys.lock, undefined);
  expect(run.seen).toBe(0);
  await read(keys.lock, lease);
  expect(run.seen).toBe(2_000);
  run.published = true;
  await read(keys.node("n0"), lease);
  expect(run.seen).toBe(2_000);
});

test("an answer that comes a TTL after the last proof brings nothing back", async () => {
  const { run, read } = makeRun();
  run.lock = held;
  for (let round = 0; round < 3; round += 1) await read(keys.lock, "99");
  await read(keys.lock, lease);
  expect(run.seen).toBe(0);
});

test("whether an answer comes too late is decided by the clock that the run has, right or wrong", async () => {
  const { run, read } = makeRun();
  run.lock = held;
  await read(keys.lock, lease);
  run.clock.fallBehind(2_500);
  for (let round = 0; round < 3; round += 1) await read(keys.lock, "99");
  await read(keys.lock, lease);
  expect(run.seen).toBe(4_000);
});

test("an answer of before a restore that comes after it says nothing of the restored etcd", () => {
  const facts = createFacts(keys, ttlMs);
  const process = createProcess(createScheduler(), { rate: 1, offset: 0 });
  const frontend: FrontendFacts = {
    name: "f0",
    process,
    targets: () => [],
    known: undefined,
    missed: false,
    oldReadAt: Number.NEGATIVE_INFINITY,
  };
  facts.frontends.add(frontend);
  applyObserved(facts, frontend, { revision: 62, restores: 0, now: 10 });
  expect(frontend.known).toMatchObject({ revision: 62 });
  applyRestore(facts, keys, { revision: 48, kvs: [], now: 20 });
  applyObserved(facts, frontend, { revision: 62, restores: 0, now: 30 });
  expect(frontend.known).toBeUndefined();
  applyObserved(facts, frontend, { revision: 58, restores: 1, now: 40 });
  expect(frontend.known).toMatchObject({ revision: 58 });
});
