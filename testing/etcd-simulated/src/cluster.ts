import type { Clock } from "@msdha/clock";
import { EtcdUnavailableError } from "@msdha/etcd-client";
import type { Random } from "./random.ts";

/** One member, and the faults that it can be given. */
export interface SimulatedMember {
  readonly index: number;
  /** Ends the process: connections break, new ones are refused. */
  kill(): void;
  /** Starts it after `kill`. */
  start(): void;
  /** Stops the process where it is (SIGSTOP): connections stay open and silent; what arrives waits for the thaw. */
  freeze(): void;
  thaw(): void;
  /** Cuts it off from the other members; clients still reach it. */
  cutOff(): void;
  rejoin(): void;
  readonly alive: boolean;
  readonly frozen: boolean;
  /** Whether it can carry out linearizable requests: it is up, and reaches a leader and a quorum. */
  readonly serving: boolean;
  /** Whether it takes itself for the leader, rightly or not; who does answers keepalives. */
  readonly leading: boolean;
}

export interface Cluster {
  readonly members: readonly SimulatedMember[];
  /** Has another member become leader, if one can. With `staleMs` the old one takes itself for the leader for so long, cut off. */
  changeLeader(options?: { readonly staleMs?: number }): void;
  /** Resolves when there is a leader with a quorum. */
  whenLed(): Promise<void>;
  /** Resolves when the member can carry out a linearizable request that arrived now; rejects when it gives up on it. */
  whenServing(member: number): Promise<void>;
  /** Resolves when the member's process runs. Rejects when it is dead, or dies meanwhile. */
  whenRunning(member: number): Promise<void>;
}

export interface ClusterOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly size: number;
  readonly electionMs: number;
  /** Called when a new leader has been elected. */
  readonly onPromotion: () => void;
  /** Called whenever something about a member has changed. */
  readonly onMembers: () => void;
}

/** How long a member lets a linearizable request wait before it answers that it timed out. */
const REQUEST_TIMEOUT_MS = 7_000;

interface State {
  alive: boolean;
  frozen: boolean;
  cutOff: boolean;
  /** Until when a former leader that lost its quorum has not noticed. */
  staleUntil: number;
}

export function createCluster(options: ClusterOptions): Cluster {
  const { clock, random, size, electionMs, onPromotion, onMembers } = options;
  const states: State[] = Array.from({ length: size }, () => ({
    alive: true,
    frozen: false,
    cutOff: false,
    staleUntil: 0,
  }));
  let leader: number | undefined = 0;
  let formerLeader: number | undefined;
  let election = 0;
  let changed = Promise.withResolvers<void>();

  const healthy = (state: State | undefined): boolean =>
    state?.alive === true && !state.frozen && !state.cutOff;
  const hasQuorum = (): boolean => states.filter(healthy).length > size / 2;
  const led = (): boolean => leader !== undefined && hasQuorum();
  const serving = (index: number): boolean => led() && healthy(states[index]);

  function change(index: number, act: (state: State) => void): void {
    const state = states[index];
    if (!state) throw new RangeError(`there is no member ${index}`);
    act(state);
    review();
  }

  /** A leader that has lost its quorum, or its life, is not one any more: the others elect another. */
  function review(): void {
    const former = leader === undefined ? undefined : states[leader];
    if (former && (!healthy(former) || !hasQuorum())) {
      // It notices after an election timeout that nobody follows it.
      former.staleUntil = Math.max(former.staleUntil, clock.now() + electionMs);
      formerLeader = leader;
      leader = undefined;
    }
    if (leader === undefined) elect();
    announce();
  }

  function elect(): void {
    election += 1;
    const own = election;
    if (!hasQuorum()) return;
    void clock.sleep(random.between(1, 2) * electionMs).then(() => {
      if (own !== election || leader !== undefined || !hasQuorum()) return;
      const candidates = [...states.keys()].filter((index) => healthy(states[index]));
      const others = candidates.filter((index) => index !== formerLeader);
      leader = random.pick(others.length > 0 ? others : candidates);
      onPromotion();
      announce();
    });
  }

  function announce(): void {
    changed.resolve();
    changed = Promise.withResolvers();
    onMembers();
  }

  async function whenLed(): Promise<void> {
    while (!led()) await changed.promise;
  }

  async function whenRunning(index: number): Promise<void> {
    const state = states[index];
    while (state?.frozen && state.alive) await changed.promise;
    if (!state?.alive) throw new EtcdUnavailableError(`etcd member ${index} does not run`);
  }

  async function whenServing(index: number): Promise<void> {
    await whenRunning(index);
    if (serving(index)) return;
    const over = new AbortController();
    const giveUp = clock.sleep(REQUEST_TIMEOUT_MS, { signal: over.signal }).then(
      () => "over",
      () => "over",
    );
    try {
      while (!serving(index)) {
        if ((await Promise.race([giveUp, changed.promise])) === "over") {
          throw new EtcdUnavailableError("etcdserver: request timed out");
        }
        await whenRunning(index);
      }
    } finally {
      over.abort();
    }
  }

  function changeLeader({ staleMs }: { readonly staleMs?: number } = {}): void {
    const former = leader;
    const state = former === undefined ? undefined : states[former];
    if (!state || former === undefined) return;
    formerLeader = former;
    leader = undefined;
    if (staleMs === undefined) {
      review();
      return;
    }
    state.staleUntil = clock.now() + staleMs;
    change(former, (each) => {
      each.cutOff = true;
    });
    void clock.sleep(staleMs).then(() =>
      change(former, (each) => {
        each.cutOff = false;
      }),
    );
  }

  const members = states.map(
    (state, index): SimulatedMember => ({
      index,
      kill: () =>
        change(index, (each) => {
          each.alive = false;
          each.frozen = false;
          each.staleUntil = 0;
        }),
      start: () =>
        change(index, (each) => {
          each.alive = true;
        }),
      freeze: () =>
        change(index, (each) => {
          each.frozen = true;
        }),
      thaw: () =>
        change(index, (each) => {
          each.frozen = false;
        }),
      cutOff: () =>
        change(index, (each) => {
          each.cutOff = true;
        }),
      rejoin: () =>
        change(index, (each) => {
          each.cutOff = false;
        }),
      get alive() {
        return state.alive;
      },
      get frozen() {
        return state.frozen;
      },
      get serving() {
        return serving(index);
      },
      get leading() {
        return leader === index || clock.now() < state.staleUntil;
      },
    }),
  );

  return { members, changeLeader, whenLed, whenServing, whenRunning };
}
