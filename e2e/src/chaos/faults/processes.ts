import type { ChaosNode } from "../node.ts";
import { type NodeProcesses, type Process, signal } from "../processes.ts";
import { type Fault, type FaultContext, pickNode } from "./fault.ts";

type Part = keyof NodeProcesses;

/** When a node is killed, in TTLs after its last proof. */
const KILL_TTLS = 1.75;

const WORDS: Readonly<Record<Part, string>> = {
  supervisor: "the supervisor",
  outerGuard: "the outer guard",
  innerGuard: "the inner guard",
  main: "the main process",
};

/** Faults of one node's processes: killed, frozen, asked to stop. */
export const processFaults: readonly Fault[] = [
  { ...kill("supervisor"), weight: 3 },
  { ...kill("outerGuard"), weight: 2 },
  { ...kill("innerGuard"), weight: 2 },
  { ...kill("main"), weight: 2 },
  { ...freeze("supervisor"), weight: 4 },
  freeze("outerGuard"),
  freeze("innerGuard"),
  freeze("main"),
  { ...freezeAndKill("outerGuard"), weight: 2 },
  { ...freezeAndKill("innerGuard"), weight: 2 },
  {
    name: "kill a whole node",
    weight: 3,
    begin(context) {
      const node = pickNode(context);
      killAll(() => node.processes());
      return { target: node.name, lastsMs: 0 };
    },
  },
  {
    name: "kill the first process of a container",
    weight: 2,
    begin(context) {
      const contained = context.world.nodes.filter(({ contained }) => contained);
      if (contained.length === 0) return undefined;
      const node = context.random.pick(contained);
      signal(
        node.processes().find(({ parent }) => parent === node.child.pid),
        "SIGKILL",
      );
      return { target: node.name, lastsMs: 0 };
    },
  },
  {
    name: "freeze a whole node",
    weight: 3,
    begin(context) {
      const node = pickNode(context);
      return { target: node.name, lastsMs: lasting(context), end: freezeNode(context, node) };
    },
  },
  {
    name: "stop a node in peace",
    weight: 4,
    begin(context) {
      const node = pickNode(context);
      node.askToStop();
      return { target: node.name, lastsMs: 0 };
    },
  },
  {
    name: "stop every node in peace",
    begin({ world }) {
      for (const node of world.nodes) node.askToStop();
      return { target: "all nodes", lastsMs: 0 };
    },
  },
  {
    name: "kill every node",
    begin({ world }) {
      for (const node of world.nodes) killAll(() => node.processes());
      return { target: "all nodes", lastsMs: 0 };
    },
  },
];

function kill(part: Part): Fault {
  return {
    name: `kill ${WORDS[part]}`,
    begin(context) {
      const node = pickNode(context);
      const victim = node.sorted()[part];
      if (!victim) return undefined;
      signal(victim, "SIGKILL");
      return { target: node.name, lastsMs: 0 };
    },
  };
}

function freeze(part: Part): Fault {
  return {
    name: `freeze ${WORDS[part]}`,
    begin(context) {
      const node = pickNode(context);
      const victim = node.sorted()[part];
      if (!victim) return undefined;
      signal(victim, "SIGSTOP");
      return { target: node.name, lastsMs: lasting(context), end: () => signal(victim, "SIGCONT") };
    },
  };
}

function freezeAndKill(part: "outerGuard" | "innerGuard"): Fault {
  return {
    name: `freeze the supervisor and kill ${WORDS[part]}`,
    begin(context) {
      const node = pickNode(context);
      const { supervisor, [part]: guard } = node.sorted();
      if (!supervisor || !guard) return undefined;
      signal(supervisor, "SIGSTOP");
      signal(guard, "SIGKILL");
      return { target: node.name, lastsMs: lasting(context), end: () => signal(supervisor, "SIGCONT") };
    },
  };
}

/** From a moment that is hardly noticed to one after which everything has been taken over. */
function lasting({ random, ttlMs }: FaultContext): number {
  return random.chance(0.5) ? random.between(50, ttlMs) : random.between(ttlMs, 4 * ttlMs);
}

/** Freezes a node as a whole. Returns what thaws it. */
export function freezeNode({ thawed }: FaultContext, node: ChaosNode): () => void {
  const frozen = freezeAll(() => node.processes());
  const since = performance.now();
  return () => {
    thawed(node.name, { late: performance.now() - since > KILL_TTLS * node.ttlSeconds * 1_000 });
    for (const pid of frozen) signal(pid, "SIGCONT");
  };
}

/** Stops everything first, so that nothing can start something else meanwhile. Resolves with who was stopped. */
function freezeAll(list: () => readonly Process[]): ReadonlySet<number> {
  const frozen = new Set<number>();
  for (;;) {
    const found = list().filter(({ pid }) => !frozen.has(pid));
    if (found.length === 0) return frozen;
    for (const { pid } of found) {
      signal(pid, "SIGSTOP");
      frozen.add(pid);
    }
  }
}

/** Kills everything at once. */
export function killAll(list: () => readonly Process[]): void {
  for (const pid of freezeAll(list)) signal(pid, "SIGKILL");
}
