import type { Clock } from "@msdha/clock";
import type { LeaseId } from "@msdha/etcd-client";
import type { AskKind, Term } from "@msdha/group";
import type { Program } from "../node/program.ts";
import type { MachineTime } from "../world/machine-time.ts";
import type { SimulatedProcess } from "../world/process.ts";
import type { SupervisorClock } from "../world/supervisor-clock.ts";
import type { GroupHistory } from "./group-history.ts";
import type { HistoryReader } from "./history-reader.ts";

/** What an all-knowing observer knows of one run of a backend: from its start to the end of all that it started. */
export interface RunFacts {
  readonly id: string;
  readonly node: string;
  readonly ttlMs: number;
  /** When it started, in the world's time, and how fast its machine's clock goes. */
  readonly startedAt: number;
  readonly rate: number;
  /** The time of its machine, which stands still with it. */
  readonly machine: MachineTime;
  /** The clock of its machine, which does not freeze with a process. */
  readonly hardware: Clock;
  readonly supervisor: SimulatedProcess;
  /** The time as the supervisor has it, whose sources may be wrong. */
  readonly clock: SupervisorClock;
  /** The cluster that answered it first, and the endpoints of which it told that they lead to another one. */
  readonly clusters: { first: string | undefined; readonly told: Set<string> };
  /** Everything of it that is alive, but for the supervisor itself. */
  readonly programs: Set<Program>;
  /** The lease that its keys are on, once it has put any. */
  lease: LeaseId | undefined;
  lock: LockFacts | undefined;
  /** Whether etcd has ever said that this run is the master. */
  published: boolean;
  /** The run's own clock when it sent the last request whose answer proved it by quorum. */
  seen: number;
  /** The time then as the supervisor has it, by which it decides whether its lease may be lost. */
  seenByClock: number;
  /** For how long its machine had stood still by then. */
  lostMsAtSeen: number;
  /** Whether it was ever answered with an old state. */
  readOld: boolean;
  /** The newest revision that an answer or a watch has told it of. */
  newest: number;
  /** The newest revision that it knows all of up to, by its first read and its watch. */
  followed: number;
  /** The revision of its last read of the whole group. Where its watch had to begin anew, it knows all up to that. */
  readTo: number;
  /** The latest steps in which that came, in its machine's time. */
  follows: readonly { readonly revision: number; readonly at: number }[];
  /** When its watch told it, in its machine's time, that another one has the lock with a larger token. */
  overtakenAt: number | undefined;
  /** The values of the proofs that it has sent, where machines are cloned. */
  readonly marks: Set<string>;
  /** When an answer told it, in its machine's time, that a copy of it writes in its name. */
  copiedAt: number | undefined;
  /** Whether its master hook has ended well. */
  mastered: boolean;
  /** Whether its `stopped` hook has ended well. */
  cleaned: boolean;
  /** The last run before it that came to its `pre_start`, or to the end of its `stopped`, where the run folder has outlived it. */
  readonly former: RunFacts | undefined;
  /** What its `candidate` hook said last; undefined before it was asked, and where there is none. */
  said: Candidacy | undefined;
  /** Whether it said that under an order to be promoted though data may be lost. */
  saidByOrder: boolean;
  /** What it had said each time when it wrote its answer into the group, oldest first. One whose outcome it does not know is written again. */
  answers: readonly WrittenAnswer[];
  /** What it has told its `node_state_change` hook, as a place in the group's history. */
  readonly told: HistoryReader;
}

/** One taking of the lock. */
export interface LockFacts {
  /** The create revision. */
  readonly token: number;
  /** How often etcd had been restored when it was taken, or came back last with a snapshot: its token is one of that count. */
  readonly restores: number;
  readonly lease: LeaseId;
  readonly run: RunFacts | undefined;
  /** The node that it names. */
  readonly node: string;
  /** How long its holder has to wait, in its own ms; 0 after a clean hand-over. */
  readonly waitMs: number;
  /** When it was taken, in the world's time. */
  readonly takenAt: number;
  /** Whether it was taken by a hand-over that named its holder. */
  readonly chosen: boolean;
  /** Since when nobody else had it, in the world's time; no earlier than the start of the holder's run. */
  readonly freeSince: number;
  /** The holder's clock when it first learned that the lock is its own. */
  receivedAt: number | undefined;
  /** How often its holder has sent whom it makes master, or leaves the lock to: a request without an answer is repeated. */
  decisions: number;
  /** Whether its holder was ever the master by it, be it one that wants no traffic yet. */
  published: boolean;
}

/** What the group's own keys say. */
export interface GroupFacts {
  readonly lock: LockFacts | undefined;
  /**
   * A hand-over, when it was written, and whether it is true: it is not when it came back with a snapshot after
   * somebody had used it.
   */
  readonly handover:
    | { readonly isTrue: boolean; readonly revision: number; readonly for: string | undefined }
    | undefined;
  readonly ttlSeconds: number;
  readonly nodes: ReadonlyMap<string, NodeFacts>;
  /** How long each node may take to answer in an election, in ms; those that are asked. */
  readonly limits: ReadonlyMap<string, number>;
  /** The nodes that want no traffic yet. */
  readonly held: ReadonlySet<string>;
  /** When the lock was given up or lost the last time, in the world's time. */
  readonly freeSince: number;
  /** What operators ask for, by their keys. */
  readonly asks: ReadonlyMap<string, AskFacts>;
  /** What the history says of each master, by its token. */
  readonly terms: ReadonlyMap<number, Term>;
}

/** What an operator asks for, as it was written. */
export interface AskFacts {
  readonly kind: AskKind;
  readonly node: string;
  readonly revision: number;
  readonly until: number | undefined;
  readonly token: number | undefined;
  readonly run: string | undefined;
  readonly accepted: boolean;
}

/** What a node's key says. */
export interface NodeFacts {
  readonly state: string;
  readonly lease: LeaseId;
  /** When it was written, in the world's time, and in which revision. */
  readonly since: number;
  readonly revision: number;
}

/** What a node says of itself in an election. */
export interface Candidacy {
  readonly may: boolean;
  readonly rank: bigint | undefined;
}

/** An answer as it was written, when in the world's time, and in which revision. */
export interface WrittenAnswer extends Candidacy {
  readonly at: number;
  readonly revision: number;
}

/** What is known of a frontend. */
export interface FrontendFacts {
  readonly name: string;
  readonly process: SimulatedProcess;
  /** Which nodes it sends new sessions to. */
  readonly targets: () => readonly string[];
  /** Whether an event was missing from its watch, or an answer was old. */
  missed: boolean;
  /** When it was last answered with an old state, in the world's time. */
  oldReadAt: number;
  /** Whom new sessions may go to as of what it heard from etcd last, and when in the world's time it learned that. */
  known:
    | { readonly master: string | undefined; readonly since: number; readonly revision: number }
    | undefined;
}

/** The copy of a machine that was made of a live snapshot. */
export interface MachineCopy {
  /** Its machine goes down. */
  end(): void;
}

export interface Facts {
  /** The longest TTL of any node of the group. */
  readonly longestTtlMs: number;
  readonly runs: Set<RunFacts>;
  readonly frontends: Set<FrontendFacts>;
  readonly history: GroupHistory;
  group: GroupFacts;
  /** Who was the master that traffic goes to from which revision on; begins anew when etcd is restored. */
  masters: readonly { readonly revision: number; readonly master: string | undefined }[];
  /** When each node that was the master that traffic goes to, and is not any more, ceased to be it, in the world's time. */
  readonly ceased: Map<string, number>;
  /** How often etcd was restored to a snapshot. */
  restores: number;
  /** Whether what changes in etcd right now is done by hand. */
  byHand: boolean;
  /** The largest token that a master hook was started with, for each number of restores: etcd counts anew after each. */
  readonly lastTokens: Map<number, number>;
  /** Every request that was ever written, by its revision. */
  readonly asked: Map<number, AskFacts>;
  /** The revision in which each promotion was recorded first, by its token; but for records that were deleted by hand. */
  readonly recorded: Map<number, number>;
  /** The runs that have accepted an order to be promoted. */
  readonly promotedByOrder: Set<string>;
  /** The values that copies of machines write as their proofs. */
  readonly copyMarks: Set<string>;
  /** The keys of the proofs that a copy wrote: last, or before somebody wrote over it. */
  readonly copyWrote: Map<string, "last" | "before">;
  /** The copies of machines that are running. */
  readonly copies: Set<MachineCopy>;
  /** The nodes that an operator has ever held back. */
  readonly everHeld: Set<string>;
}

/**
 * What of a run executes anything, as far as its guard may end it: of a machine that stands still nothing does, and a
 * program that has become another user's is the business of `permittedWhenPublished`.
 */
export function executing({ machine, programs }: RunFacts): readonly Program[] {
  if (machine.paused) return [];
  return [...programs].filter(({ executes, unreachable }) => executes && !unreachable);
}

/** Whether the machine stood still since the last proof was sent, so that no clock on it knows how old that is. */
export function lostTime({ machine, lostMsAtSeen }: RunFacts): boolean {
  return machine.lostMs > lostMsAtSeen;
}
