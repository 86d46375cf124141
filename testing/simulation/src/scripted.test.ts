import { createRandom } from "@msdha/etcd-simulated";
import type { Guard } from "@msdha/guard";
import { expect, test } from "vitest";
import { cloneMachine } from "./faults/clone-machine.ts";
import type { Group } from "./faults/fault.ts";
import { keepGuard } from "./mutations/keep-guard.ts";
import { hasRecovered } from "./recover.ts";
import type { BackendScenario, Scenario } from "./scenario.ts";
import { createGroup } from "./simulate.ts";
import { run } from "./world/world.ts";

const quiet: Scenario = {
  seed: 1,
  group: "g",
  backends: [backend("n0", 3), backend("n1", 3)],
  frontends: 1,
  etcd: { members: 3, electionMs: 1_000, rate: 1 },
  longestTtlMs: 3_000,
  network: { fastestMs: 1, slowestMs: 3 },
  trouble: 0,
  faultsMs: 0,
  faults: 0,
  favoured: [],
  bumps: false,
  moments: { freeze: 0, snapshot: 0 },
};

function backend(name: string, ttlSeconds: number): BackendScenario {
  return {
    machine: name,
    name,
    ttlSeconds,
    masterTtlMs: 86_400_000,
    stopTimeoutMs: 8_000,
    drainMs: 100,
    rate: 1,
    filesPersist: true,
    restartMs: 1_000,
    ranks: false,
    candidateTimeoutMs: 5_000,
    traffic: "at_once",
  };
}

async function letPass({ world }: Group, ms: number): Promise<void> {
  await run(world, world.scheduler.now + ms);
  expect(world.violation).toBeUndefined();
}

test("a group without faults has a master after twice its TTL", async () => {
  const group = createGroup(quiet, {});
  await letPass(group, 2_500 + 6_000);
  expect(hasRecovered(group)).toBe(true);
});

test("a master whose state was undone by a restored snapshot makes place for one that is published", async () => {
  const group = createGroup(quiet, {});
  await letPass(group, 4_000);
  const { store } = group.world.etcd;
  const takenButNotPublished = store.save();
  await letPass(group, 6_000);
  expect(hasRecovered(group)).toBe(true);
  store.restore(takenButNotPublished);
  group.world.restored();
  expect(hasRecovered(group)).toBe(false);
  await letPass(group, 30_000);
  expect(hasRecovered(group)).toBe(true);
});

test("a former master's TTL is waited for, also when a restored etcd has forgotten it", async () => {
  let shown = 0;
  for (let seed = 1; seed <= 70; seed += 1) {
    const backends = [backend("n0", 1), backend("n1", 5), backend("n2", 1)];
    const group = createGroup({ ...quiet, seed, trouble: 1, backends, longestTtlMs: 5_000 }, {});
    const { etcd, facts } = group.world;
    const holder = (): string | undefined => facts.group.lock?.node;
    await letPass(group, 8_000);
    if (holder() !== "n0") continue;
    const withShortTtl = etcd.store.save();
    group.machines[0]?.kill("container");
    await letPass(group, 16_000);
    if (holder() !== "n1") continue;
    etcd.store.restore(withShortTtl);
    group.world.restored();
    await letPass(group, 20_000);
    shown += 1;
  }
  expect(shown).toBeGreaterThan(7);
});

test("a master that is frozen at any step from its publication to its hook, and beyond, does no harm", async () => {
  const places = new Set<string>();
  const longerThanAllDeadlines = 12_000;
  const betweenStopAndKill = 4_000;
  for (const frozenMs of [betweenStopAndKill, longerThanAllDeadlines]) {
    for (let step = 1; step <= 20; step += 1) {
      const trace: string[] = [];
      const group = createGroup({ ...quiet, seed: step }, { onTrace: (line) => trace.push(line) });
      freezeAfterPublication(group, step, frozenMs);
      await letPass(group, 40_000);
      expect(hasRecovered(group), `frozen at step ${step} for ${frozenMs} ms`).toBe(true);
      const frozenAt = trace.findIndex((line) => line.includes("frozen for"));
      const hookAt = trace.findIndex((line) => / master $/.test(line));
      if (frozenAt >= 0)
        places.add(hookAt === -1 || frozenAt < hookAt ? "before the hook" : "after it began");
    }
  }
  expect([...places].sort()).toEqual(["after it began", "before the hook"]);
});

test("a master whose last process can't be killed gives the lock back, and hands over nothing", async () => {
  const guard = (production: Guard): Guard => ({ ...production, killAll: () => new Promise(() => {}) });
  const mutation = { rule: "", noticedBy: "oneMasterRuns", collaborators: { guard } };
  const group = createGroup(quiet, { mutation });
  await letPass(group, 9_000);
  const master = group.world.facts.group.lock?.node;
  const machine = group.machines.find(({ run }) => run?.node === master);
  machine?.retire();
  machine?.stop({ graceMs: 60_000 });
  await letPass(group, 3_000 + 6_000 + 2_000);
  expect(group.world.facts.group.lock?.node).not.toBe(master);
  expect(group.world.etcd.store.get(group.world.keys.lock)?.value).toContain('"takenAfter":"wait"');
  expect(hasRecovered(group)).toBe(true);
});

test("a master of whose machine there is a copy that writes its proof is killed at once, without a grace", async () => {
  // Its program does not care for SIGTERM.
  const guard = (production: Guard): Guard => ({
    ...keepGuard(production),
    signalOrphans: () => {},
    async spawn(...args) {
      const process = await production.spawn(...args);
      return { ...process, kill: (signal) => (signal === "SIGKILL" ? process.kill(signal) : undefined) };
    },
  });
  const mutation = { rule: "", noticedBy: "oneMasterRuns", collaborators: { guard } };
  const group = createGroup(quiet, { mutation });
  await letPass(group, 9_500);
  const { etcd, facts, keys } = group.world;
  const run = facts.group.lock?.run;
  if (!run?.lease) throw new Error("expected a master");
  expect(run.programs.size).toBeGreaterThan(0);
  etcd.store.put(keys.proof(run.lease), "a copy's", { lease: run.lease });
  await letPass(group, 1_000 + 200);
  expect([...run.programs].map(({ name }) => name)).toEqual([]);
});

test("of a master and the copy of its machine one ends within two thirds of a TTL, and the other goes on", async () => {
  const ended = new Set<string>();
  // The next run of the original would take its name back.
  const backends = quiet.backends.map((each) => ({ ...each, restartMs: 60_000 }));
  for (let seed = 1; seed <= 20; seed += 1) {
    const group = createGroup({ ...quiet, backends, seed }, {});
    const { world } = group;
    world.planned.add("cloneMachine");
    await letPass(group, 9_500 + 50 * seed);
    const run = world.facts.group.lock?.run;
    cloneMachine(group, createRandom(seed));
    expect(world.facts.copies.size).toBe(1);
    await letPass(group, 2_000 + 100);
    const left = [world.facts.copies.size > 0 && "copy", run && run.programs.size > 0 && "original"].filter(
      Boolean,
    );
    expect(left.length, `seed ${seed}`).toBe(1);
    ended.add(String(left));
    expect(world.facts.group.lock?.lease, `seed ${seed}`).toBe(run?.lease);
  }
  expect([...ended].sort()).toEqual(["copy", "original"]);
});

/** Freezes the first who is published, so many steps of its code later. */
function freezeAfterPublication({ world, machines }: Group, step: number, frozenMs: number): void {
  let published = false;
  world.onMoment = (run, { events }) => {
    if (published || !events.some(({ type, kv }) => type === "PUT" && kv.value === "master")) return;
    published = true;
    machines.find((machine) => machine.run === run)?.freezeAtStep(step, frozenMs);
  };
}
