import { parseKey } from "@msdha/group";
import type { RunFacts } from "./facts/facts.ts";
import type { Group } from "./faults/fault.ts";
import type { Scenario } from "./scenario.ts";
import { run, type World } from "./world/world.ts";

const LOOK_MS = 500;
/** How long a stream that fell silent can go unnoticed: until it is asked, and for as long as it may take to answer. */
const LONGEST_SILENCE_MS = 18_000;
/** And what a stream that goes on has missed: the next comparison may be a minute away, and the one after a failed one. */
const LONGEST_MISS_MS = 90_000;

/** Once the faults end, there is one master within a bound, and everybody has been told the truth. */
export async function recover(group: Group): Promise<void> {
  const { world, machines, frontends } = group;
  heal(group);
  await run(world, Math.max(...[...machines, ...frontends].map(({ frozenUntil }) => frozenUntil)));
  const { now } = world.scheduler;
  const bound = now + longestRecoveryMs(world.scenario);
  if (!(await runUntil(world, bound, () => hasRecovered(group)))) {
    world.violate("oneMasterInTime", describeGroup(group));
  }
  const missing = [...world.facts.runs].some(({ told }) => told.missing);
  const patienceMs = missing ? LONGEST_MISS_MS : LONGEST_SILENCE_MS;
  if (!(await runUntil(world, world.scheduler.now + patienceMs, () => !uninformed(world)))) {
    world.violate("everythingIsTold", `${uninformed(world)?.id} was not told what etcd holds in the end`);
  }
}

/** Whether it was done by then. */
async function runUntil(world: World, bound: number, done: () => boolean): Promise<boolean> {
  for (;;) {
    if (done()) return true;
    if (world.violation || world.scheduler.now >= bound) return false;
    await run(world, world.scheduler.now + LOOK_MS);
  }
}

/** A run that does not know what etcd holds, unless there are calls of its hook waiting. */
function uninformed({ facts }: World): RunFacts | undefined {
  return [...facts.runs].find(
    (run) => run.lease !== undefined && run.supervisor.alive && !isBusy(run) && !run.told.upToDate,
  );
}

function heal({ world, machines, frontends }: Group): void {
  world.trace("faults", () => "end");
  world.calm = true;
  for (const each of [...machines, ...frontends]) {
    for (const link of each.links) link.heal();
  }
  for (const member of world.etcd.members) {
    world.etcd.answerOldReads(member.index, false);
    member.start();
    member.thaw();
    member.rejoin();
  }
  for (const copy of [...world.facts.copies]) copy.end();
  // A key that somebody put without a lease keeps its node from ever coming back, until somebody removes it.
  for (const { key, lease } of world.etcd.store.list(world.keys.prefix)) {
    const { kind } = parseKey(world.keys, key);
    if (kind === "node" && lease === "0") world.byHand(() => world.etcd.store.delete(key));
  }
  // Nor does anybody start while there is a hand-over that is not true (see restore-later.ts).
  if (world.facts.group.handover?.isTrue === false) {
    world.byHand(() => world.etcd.store.delete(world.keys.handover));
  }
  // Nor under what an operator has asked for.
  for (const { key } of world.etcd.store.list(world.keys.prefix)) {
    if (parseKey(world.keys, key).kind === "ask") world.byHand(() => world.etcd.store.delete(key));
  }
  for (const { programs } of world.facts.runs) {
    for (const program of programs) program.hurry();
  }
}

/**
 * Three times the longest TTL, an election of etcd and a removal; a planned stop that has begun, and a restart; and
 * where nodes are asked how far they are, two elections, and the time for which the lock is left to the chosen node.
 */
function longestRecoveryMs({ longestTtlMs, etcd, backends }: Scenario): number {
  const stop = Math.max(...backends.map(({ stopTimeoutMs }) => 2 * stopTimeoutMs));
  const restart = Math.max(...backends.map(({ restartMs }) => restartMs));
  const asked = backends.filter(({ ranks }) => ranks).map((each) => each.candidateTimeoutMs);
  const asking = asked.length > 0 ? longestTtlMs + 2 * (Math.max(...asked) + 2_000) : 0;
  return 3 * longestTtlMs + 3 * etcd.electionMs + 5_000 + stop + restart + asking;
}

/** Whether there is a master that is done with its hook, and every frontend sends to it alone. */
export function hasRecovered({ world, frontends }: Group): boolean {
  const run = world.facts.group.lock?.run;
  if (!run?.mastered || run.programs.size === 0) return false;
  const key = world.etcd.store.get(world.keys.node(run.node));
  if (key?.value !== "master" || key.lease !== run.lease) return false;
  return frontends.every(({ targets }) => targets.length === 1 && targets[0] === run.node);
}

function isBusy({ programs }: RunFacts): boolean {
  return [...programs].some(({ name }) => name === "node_state_change");
}

function describeGroup({ world, frontends }: Group): string {
  const { lock } = world.facts.group;
  const sends = frontends.map(({ name, targets }) => `${name} sends to ${targets.join(" and ") || "nobody"}`);
  return `no master in time: the lock is ${lock?.run?.id ?? "nobody"}'s, ${sends.join(", ")}`;
}
