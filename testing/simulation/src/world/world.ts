import type { RunFiles } from "@msdha/backend";
import type { Clock } from "@msdha/clock";
import type { EtcdApi } from "@msdha/etcd-client";
import {
  type Change,
  createRandom,
  createSimulatedEtcd,
  type Random,
  type SimulatedEtcd,
} from "@msdha/etcd-simulated";
import { type GroupKeys, groupKeys } from "@msdha/group";
import type { Guard } from "@msdha/guard";
import { applyChange } from "../facts/apply-change.ts";
import { applyRestore } from "../facts/apply-restore.ts";
import { createFacts } from "../facts/create-facts.ts";
import type { Facts, RunFacts } from "../facts/facts.ts";
import type { Moment } from "../facts/moment.ts";
import { invariants } from "../invariants/all-invariants.ts";
import type { Scenario } from "../scenario.ts";
import { createDriftingClock } from "./drifting-clock.ts";
import { createScheduler, type Scheduler } from "./scheduler.ts";
import { createSpinWatch } from "./spin-watch.ts";

export interface Violation {
  readonly invariant: string;
  readonly what: string;
  /** When, in the world's ms. */
  readonly at: number;
}

/** Everything of one simulated group that its parts share. */
export interface World {
  readonly scenario: Scenario;
  readonly scheduler: Scheduler;
  readonly random: Random;
  readonly etcd: SimulatedEtcd;
  /** A cluster that has nothing to do with the group. */
  otherEtcd(): SimulatedEtcd;
  /** The faults that happen to this group, by name. */
  readonly planned: Set<string>;
  readonly keys: GroupKeys;
  readonly facts: Facts;
  readonly collaborators: Collaborators;
  /** No faults any more: whatever happens by chance goes well from now on. */
  calm: boolean;
  violation: Violation | undefined;
  /** How often a run was published as the master. */
  masters: number;
  /** Called when a run has just gained or given up something in etcd. */
  onMoment: (run: RunFacts, change: Change) => void;
  /** etcd was restored to a snapshot. */
  restored(): void;
  /** Holds the facts against every invariant; the first violation is the one that counts. */
  check(moment: Moment): void;
  violate(invariant: string, what: string): void;
  /** Does something to etcd as a person would, past the group's own rules. */
  byHand(act: () => void): void;
  trace(who: string, what: () => string): void;
}

/**
 * What a node's production code works with. A mutation replaces one of them by one that breaks a rule; the code
 * itself stays as it is.
 */
export interface Collaborators {
  readonly etcd?: (etcd: EtcdApi, run: RunFacts, world: World) => EtcdApi;
  readonly clock?: (clock: Clock, run: RunFacts, world: World) => Clock;
  readonly guard?: (guard: Guard, run: RunFacts, world: World) => Guard;
  /** A guard that starts things also when it is past its deadline, and forgets to kill them. */
  readonly startsPastDeadline?: boolean;
  readonly files?: (files: RunFiles, run: RunFacts, world: World) => RunFiles;
  /** Frontends that go on with the last master they saw, whether it is proven or not. */
  readonly frontendsNeedNoProof?: boolean;
  /** Nodes that take what a member of another cluster answers. */
  readonly takesForeignAnswers?: boolean;
  /** A guard that is told its kill times by the supervisor's clock alone. */
  readonly trustsSupervisorClock?: boolean;
  /** The etcd of frontends. */
  readonly frontendEtcd?: (etcd: EtcdApi, world: World) => EtcdApi;
}

export interface WorldOptions {
  readonly collaborators: Collaborators;
  /** Takes the trace; nothing is told without it. */
  readonly onTrace: ((line: string) => void) | undefined;
  /** The only invariant that counts. */
  readonly only: string | undefined;
}

export function createWorld(scenario: Scenario, { collaborators, onTrace, only }: WorldOptions): World {
  const scheduler = createScheduler();
  const random = createRandom(scenario.seed);
  const keys = groupKeys(scenario.group);
  const facts = createFacts(keys, scenario.longestTtlMs);
  const etcd = createSimulatedEtcd({
    clock: createDriftingClock(scheduler, { rate: scenario.etcd.rate, offset: random.between(0, 1e6) }),
    seed: random.whole(0, 2 ** 31),
    members: scenario.etcd.members,
    electionMs: scenario.etcd.electionMs,
    onChange: (change) => {
      world.trace("etcd", () => describe(change.revision, change.events, keys));
      const before = applyChange(facts, keys, change, scheduler.now);
      for (const { type, kv } of change.events) {
        if (type === "PUT" && kv.value === "master") world.masters += 1;
      }
      world.check({ kind: "change", change, before, now: scheduler.now });
      const run = facts.group.lock?.run ?? before.lock?.run;
      if (run) world.onMoment(run, change);
    },
  });
  let other: SimulatedEtcd | undefined;
  const world: World = {
    scenario,
    scheduler,
    random,
    etcd,
    otherEtcd() {
      other ??= createSimulatedEtcd({
        clock: createDriftingClock(scheduler, { rate: 1, offset: 0 }),
        seed: scenario.seed,
      });
      return other;
    },
    planned: new Set(),
    keys,
    facts,
    collaborators,
    calm: false,
    violation: undefined,
    masters: 0,
    onMoment: () => {},
    restored() {
      const { revision } = etcd.store;
      applyRestore(facts, keys, { revision, kvs: etcd.store.list(keys.prefix), now: scheduler.now });
    },
    check(moment) {
      for (const name in invariants) {
        try {
          const what = invariants[name]?.(moment, facts);
          if (what !== undefined) world.violate(name, what);
        } catch (error) {
          // The code under test must not get to handle it.
          world.violate(name, `can't be checked: ${String(error)}`);
        }
      }
    },
    violate(invariant, what) {
      if (world.violation || (only !== undefined && only !== invariant)) return;
      world.violation = { invariant, what, at: scheduler.now };
      world.trace("VIOLATION", () => `${invariant}: ${what}`);
    },
    byHand(act) {
      facts.byHand = true;
      act();
      facts.byHand = false;
    },
    trace(who, what) {
      onTrace?.(`${scheduler.now.toFixed(1).padStart(10)}  ${who.padEnd(12)} ${what()}`);
    },
  };
  return world;
}

function describe(
  revision: number,
  events: Parameters<Facts["history"]["add"]>[1],
  { prefix }: GroupKeys,
): string {
  const changes = events.map(
    ({ type, kv }) => `${kv.key.slice(prefix.length)} ${type === "PUT" ? kv.value : "deleted"}`,
  );
  return `@${revision} ${changes.join(", ")}`;
}

/** Lets the world go on until then, or to the first violation. */
export async function run(world: World, until: number): Promise<void> {
  const watch = createSpinWatch();
  await world.scheduler.run(until, {
    afterEach() {
      const { now } = world.scheduler;
      world.check({ kind: "step", now });
      if (watch.spins(now)) world.violate("nothingSpins", "something goes round without letting time pass");
    },
    stop: () => world.violation !== undefined,
  });
}
