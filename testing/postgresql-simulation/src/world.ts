import type * as Rules from "@msdha/postgresql";
import type { Eligibility, Position } from "@msdha/postgresql";
import { checkPromotion, checkRecord } from "./losses.ts";
import { openMasterServer } from "./master-server.ts";
import type { Random } from "./random.ts";
import { createEtcd, type SimulatedEtcd } from "./record-store.ts";
import type { SyncRules, WorldRules } from "./rules.ts";
import { createServer, type Server } from "./server.ts";
import { createTasks, NOT_YET, type Tasks } from "./tasks.ts";

/** A node with what its helper keeps. */
export interface Node {
  readonly server: Server;
  token: string;
  eligibility: Eligibility | undefined;
  master: Rules.SynchronousMaster | undefined;
  /** A round of the master, or a candidacy, runs. */
  busy: boolean;
}

export interface World {
  readonly random: Random;
  readonly tasks: Tasks;
  readonly etcd: SimulatedEtcd;
  readonly nodes: readonly Node[];
  readonly mode: "preferred" | "strict";
  /** How many standbys each commit is to be on. */
  readonly nodesNeeded: number;
  readonly rules: WorldRules;
  /** Commits that a client saw acknowledged and that must not be missing. */
  readonly acknowledged: Set<number>;
  /** Tokens of masters that acknowledged alone and were replaced: the group was told that their commits may be lost. */
  readonly givenUp: Set<string>;
  /**
   * Commits that were lost with such a master. One of a master before it may be acknowledged only now, by a process that
   * was frozen meanwhile: its client sees no more than one that was acknowledged in time, and lost.
   */
  readonly lost: Set<number>;
  /** What went against the promise. */
  readonly violations: string[];
  readonly promotions: { count: number };
  clock: number;
  newId(): number;
  /** The master that the group knows; undefined where there is none. */
  readonly known: Node | undefined;
  /** Asks whether a node may be the master, and promotes it if it may. */
  elect(node: Node): Promise<void>;
  /** Asks the same of a node that does not see the master there is, and does nothing with the answer. */
  askBlindly(node: Node): Promise<void>;
  /** Runs a round of a master. */
  round(node: Node): Promise<void>;
  position(server: Server): Position;
}

export function createWorld(
  random: Random,
  {
    mode,
    nodesNeeded,
    rules,
    code,
    count,
  }: {
    readonly mode: "preferred" | "strict";
    readonly nodesNeeded: number;
    readonly rules: WorldRules;
    readonly code: SyncRules;
    readonly count: number;
  },
): World {
  const tasks = createTasks(random);
  const etcd = createEtcd(random, tasks, {
    rules,
    onWrite: (before, next) => checkRecord(world, before, next),
  });
  const names = ["a", "b", "c", "d", "e"].slice(0, count);
  const nodes = names.map(
    (name): Node => ({
      server: createServer(name),
      token: "",
      eligibility: undefined,
      master: undefined,
      busy: false,
    }),
  );
  let ids = 0;
  let tokens = 0;
  let newestTerm = 0;

  const known = (): Node | undefined =>
    nodes.find(({ server, token }) => etcd.lock !== undefined && token === etcd.lock && !server.standby);

  const position = (server: Server): Position => ({
    timeline: server.timeline,
    bytes: BigInt(server.log.length) * 8n,
    began: BigInt(server.began) * 8n,
    standby: server.standby,
    settled: true,
    free: server.follows === undefined,
  });

  /** What a node sees of the group. `blind`: as it was before the lock of now was taken. */
  function seenBy(blind: boolean): Rules.SeenGroup {
    const lock = Number(etcd.lock ?? 0);
    if (!blind || lock === 0) {
      return {
        revision: tokens,
        hasMaster: lock > 0 && lock === newestTerm,
        hasHolder: lock > 0,
        newestTerm,
      };
    }
    const before = Math.min(newestTerm, lock - 1);
    return { revision: lock - 1, hasMaster: false, hasHolder: false, newestTerm: before };
  }

  /** `blind`: the files of the node do not name the master for a moment. */
  function candidateOf(node: Node, { blind = false } = {}): Rules.CandidateServer {
    const { server } = node;
    const seen = (): Node | undefined => (blind ? undefined : known());
    return {
      own: () => ({ member: server.name, mark: server.mark, fromArchive: false }),
      async letGo() {
        if (seen()) throw new Error("there is a master");
        server.follows = undefined;
      },
      seen: () => tasks.ask(server, () => (etcd.lock === node.token ? undefined : seenBy(blind))),
      freePosition: () =>
        tasks.ask(server, () => (server.follows === undefined ? position(server) : NOT_YET)),
      async positionsOf({ others, enough }) {
        const positions = others.map(async (standby): Promise<[string, Position]> => {
          const other = nodes.find((one) => one.server.name === standby)?.server;
          const answer = await tasks.ask(server, () => {
            const answers = other?.alive && !other.frozen && other.standby;
            const free = !rules.countsFreeOnly || other?.follows === undefined;
            if (other && answers && free) return position(other);
            if (random.oneIn(3)) throw new Error(`can't tell what ${standby} has`);
            return NOT_YET;
          });
          return [standby, answer];
        });
        return new Map(
          await code.enoughOf(positions, enough, { sleep: () => tasks.ask(server, () => undefined) }),
        );
      },
      requireLittleLag: () => Promise.resolve(),
      recall: () => (seen() || server.follows !== undefined ? undefined : node.eligibility),
      note: (eligibility) => {
        node.eligibility = eligibility;
      },
      forget() {
        node.eligibility = undefined;
      },
    };
  }

  async function elect(node: Node): Promise<void> {
    const { server } = node;
    const candidate = candidateOf(node);
    const anyStore = etcd.storeOf(server, () => "");
    await code.askCandidate(candidate, anyStore);
    if (etcd.lock !== undefined) return;
    tokens += 1;
    const token = String(tokens);
    etcd.lock = token;
    node.token = token;
    try {
      await code.askCandidate(candidate, anyStore);
    } catch (error) {
      if (etcd.lock === token) etcd.lock = undefined;
      throw error;
    }
    newestTerm = Number(token);
    const recordBefore = etcd.record;
    const store = etcd.storeOf(server, () => token);
    const written = await code.promoteInSync(
      {
        ...candidate,
        leaveMark: () => {
          server.mark = `${server.name} ${token}`;
        },
        promote: (needed, standbys) => {
          server.configured = { needed, standbys };
          return tasks.ask(server, () => {
            checkPromotion(world, server, recordBefore);
            server.standby = false;
            server.timeline += 1;
            server.began = server.log.length;
            server.log.push({ id: world.newId() });
            world.promotions.count += 1;
            return undefined;
          });
        },
      },
      store,
      { token, member: server.name, mode, nodes: nodesNeeded },
    );
    node.master = masterOf(node, token, written);
  }

  async function askBlindly(node: Node): Promise<void> {
    const store = etcd.storeOf(node.server, () => "");
    await code.askCandidate(candidateOf(node, { blind: true }), store);
  }

  function masterOf(
    node: Node,
    token: string,
    written?: Exclude<Rules.SyncRecord, { kind: "none" }>,
  ): Rules.SynchronousMaster {
    return code.createSynchronousMaster({
      mode,
      nodes: nodesNeeded,
      patienceMs: 1_000,
      token,
      server: openMasterServer(node.server, { tasks, random, members: names, rules }),
      store: etcd.storeOf(node.server, () => token),
      now: () => world.clock,
      log: () => {},
      written,
    });
  }

  const world: World = {
    ...{ random, tasks, etcd, nodes, mode, nodesNeeded, rules, position, elect, askBlindly },
    acknowledged: new Set(),
    givenUp: new Set(),
    lost: new Set(),
    violations: [],
    promotions: { count: 0 },
    clock: 0,
    newId: () => {
      ids += 1;
      return ids;
    },
    get known() {
      return known();
    },
    async round(node) {
      // A helper that was started anew knows only what the group knows.
      if (random.oneIn(20)) node.master = undefined;
      node.master ??= masterOf(node, node.token);
      await node.master.round();
    },
  };
  return world;
}
