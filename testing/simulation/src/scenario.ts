import { createNamedRandom, createRandom, type Random } from "@msdha/etcd-simulated";

/** What one seed stands for, but for what happens by chance on the way. */
export interface Scenario {
  readonly seed: number;
  readonly group: string;
  readonly backends: readonly BackendScenario[];
  readonly frontends: number;
  readonly etcd: {
    readonly members: number;
    readonly electionMs: number;
    readonly rate: number;
  };
  /** The largest TTL of all nodes, in ms. */
  readonly longestTtlMs: number;
  readonly network: { readonly fastestMs: number; readonly slowestMs: number };
  /** How often programs misbehave, from 0 to 1. */
  readonly trouble: number;
  /** How long there are faults, in ms, and how many on average. */
  readonly faultsMs: number;
  readonly faults: number;
  /** Faults that are picked half of the time, by name; any is as likely as it usually is when there are none. */
  readonly favoured: readonly string[];
  /** How often a moment that matters is met with a freeze soon after it, and a hand-over with a snapshot. */
  readonly moments: { readonly freeze: number; readonly snapshot: number };
  /** Whether revisions go on when etcd is restored from a snapshot, instead of going back. */
  readonly bumps: boolean;
}

export interface BackendScenario {
  /** What the machine is called here; the node's name, but for a second node of the same name. */
  readonly machine: string;
  readonly name: string;
  readonly ttlSeconds: number;
  readonly masterTtlMs: number;
  readonly stopTimeoutMs: number;
  readonly drainMs: number;
  /** How fast the machine's clock goes. */
  readonly rate: number;
  /** Whether the run folder outlives a run. */
  readonly filesPersist: boolean;
  readonly restartMs: number;
  /** Whether it has a `candidate` hook, and how long that may take. */
  readonly ranks: boolean;
  readonly candidateTimeoutMs: number;
  readonly traffic: "at_once" | "after_hook";
}

const CLOCK_ERROR = 0.01;
/** How often a second node calls itself n0. */
const STRANGER = 0.12;

/** A fault, by the name that a seed picks it by. */
interface Named {
  readonly name: string;
}

/**
 * Chooses a group and the circumstances it lives in. Each kind of choice that came later has a random stream of its own,
 * so that it leaves the earlier ones as they were.
 */
export function makeScenario(seed: number, faults: readonly Named[]): Scenario {
  const random = createRandom(seed);
  const ttls = chooseTtls(random);
  const count = random.pick([2, 2, 2, 3, 3, 3, 4, 5, 6, 9]);
  const backends = Array.from({ length: count }, (_, index) => makeBackend(`n${index}`, ttls, random));
  if (random.chance(STRANGER)) backends.push({ ...makeBackend("n0", ttls, random), machine: "stranger" });
  const held = askMore(seed, holdTraffic(seed, backends));
  const longestTtlMs = Math.max(...backends.map(({ ttlSeconds }) => ttlSeconds)) * 1_000;
  const fastestMs = random.between(0.1, 2);
  return {
    seed,
    group: "g",
    backends: held,
    frontends: random.pick([1, 1, 1, 2, 3]),
    etcd: {
      members: random.pick([1, 3, 3, 3]),
      electionMs: random.pick([300, 500, 1_000]),
      rate: drift(random),
    },
    longestTtlMs,
    network: { fastestMs, slowestMs: fastestMs + random.pick([0.5, 5, 20]) },
    trouble: random.pick([0, 0.3, 1]),
    faultsMs: random.between(8, 16) * longestTtlMs,
    faults: random.pick([2, 4, 8, 14]),
    ...favour(seed, faults),
    moments: random.pick([
      { freeze: 0, snapshot: 0 },
      { freeze: 0.15, snapshot: 0.2 },
    ]),
  };
}

/** Mostly one TTL for all; sometimes each node has its own. */
function chooseTtls(random: Random): readonly number[] {
  const all = [1, 2, 3, 5];
  return random.chance(0.7) ? [random.pick([2, 3, 3, 3])] : all;
}

function makeBackend(name: string, ttls: readonly number[], random: Random): BackendScenario {
  const ttlSeconds = random.pick(ttls);
  const ttlMs = ttlSeconds * 1_000;
  return {
    machine: name,
    name,
    ttlSeconds,
    masterTtlMs: random.chance(0.15) ? random.between(2, 8) * ttlMs : 86_400_000,
    stopTimeoutMs: random.pick([500, 2_000, 8_000]),
    drainMs: random.pick([0, 100]),
    rate: drift(random),
    filesPersist: random.chance(0.6),
    restartMs: random.between(50, 3_000),
    ranks: random.chance(0.3),
    candidateTimeoutMs: 5_000,
    traffic: "at_once",
  };
}

/** In half of the groups, half of the nodes have no traffic sent to them before their `master` hook has run. */
function holdTraffic(seed: number, backends: readonly BackendScenario[]): readonly BackendScenario[] {
  const random = createNamedRandom(seed, "traffic");
  if (random.chance(0.5)) return backends;
  return backends.map((backend) => ({ ...backend, traffic: random.pick(["at_once", "after_hook"]) }));
}

/** In a third of the groups all nodes are asked how far they are; each has a limit of its own for that. */
function askMore(seed: number, backends: readonly BackendScenario[]): readonly BackendScenario[] {
  const random = createRandom(seed + 0x7a4c);
  const all = random.chance(0.33);
  return backends.map((backend) => ({
    ...backend,
    ranks: all || backend.ranks,
    candidateTimeoutMs: random.pick([500, 2_000, 5_000]),
  }));
}

/**
 * In half of the groups a few faults come much more often than others: where everything happens to everybody, nothing
 * lives long enough for some of it to meet ("swarm testing", Groce and others, 2012).
 */
function favour(seed: number, faults: readonly Named[]): Pick<Scenario, "favoured" | "bumps"> {
  const random = createNamedRandom(seed, "favoured");
  if (random.chance(0.5)) return { favoured: [], bumps: false };
  const count = random.whole(1, 3);
  return {
    favoured: Array.from({ length: count }, () => random.pick(faults).name),
    bumps: random.chance(0.5),
  };
}

function drift(random: Random): number {
  return random.chance(0.3) ? 1 : random.between(1 - CLOCK_ERROR, 1 + CLOCK_ERROR);
}

/** What a node's name is resolved to: n3 has the address 10.0.0.4. */
export function addressOf(node: string): string {
  return `10.0.0.${Number(node.slice(1)) + 1}`;
}

/** The node that has an address. */
export function nodeAt(address: string): string {
  return `n${Number(address.split(".").at(-1)) - 1}`;
}
