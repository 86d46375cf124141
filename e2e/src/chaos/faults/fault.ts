import type { ChaosNode } from "../node.ts";
import type { Random } from "../random.ts";
import type { World } from "../world.ts";

/** What faults are made with. */
export interface FaultContext {
  readonly world: World;
  readonly random: Random;
  /** The group's longest TTL, ms. */
  readonly ttlMs: number;
  /** To be told when a node whose processes were all frozen goes on, and whether its kill time must be over. */
  readonly thawed: (node: string, options: { readonly late: boolean }) => void;
  /** To be told before the history is compacted up to a revision. */
  readonly compacted: (revision: number) => void;
  /** Allows an exit code that is a problem otherwise, of some nodes and frontends. Returns what ends that some time later. */
  readonly allowExit: (code: number, names: readonly string[]) => () => void;
  /** Notes something that must not be. */
  readonly problem: (text: string) => void;
}

/** A fault that has begun. */
export interface Begun {
  /** What it was done to. */
  readonly target: string;
  /** How long it is to last; 0 where there is nothing to end. */
  readonly lastsMs: number;
  readonly end?: () => Promise<void> | void;
}

export interface Fault {
  readonly name: string;
  /** How often it is picked, compared with the others. Default 1. */
  readonly weight?: number;
  /** Whether frontends may not hear of changes while it lasts. Default false. */
  readonly blinds?: boolean;
  /** Whether it can't be done beside a fault that blinds frontends. Default false. */
  readonly alone?: boolean;
  /** Whether it can't be done twice at once. Default false. */
  readonly single?: boolean;
  /** Undefined: it can't be done as things are. */
  begin(context: FaultContext): Promise<Begun | undefined> | Begun | undefined;
}

/** The master more often than another node. */
export function pickNode({ world, random }: FaultContext): ChaosNode {
  const master = masterOf(world);
  return master && random.chance(0.75) ? master : random.pick(world.nodes);
}

export function masterOf({ observer, nodes }: World): ChaosNode | undefined {
  const name = observer.history.master()?.node;
  return nodes.find((node) => node.name === name);
}
