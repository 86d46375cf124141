import type { Random } from "@msdha/etcd-simulated";
import type { ProcessExit } from "@msdha/hook-runner";
import type { Timeline } from "../world/machine-time.ts";

/** What a program does when it is let alone, and when it is asked to end. */
export interface Behaviour {
  /** How long it runs by itself; Infinity: until it is ended. */
  readonly runsMs: number;
  /** What it ends with by itself. */
  readonly code: number;
  /** How long it takes to end after SIGTERM; Infinity: it does not care. */
  readonly stopsInMs: number;
  /** How long after its start it starts another one that outlives it, such as a daemon; Infinity: never. */
  readonly forksAfterMs: number;
  /** How long it takes to be gone after SIGKILL. */
  readonly diesInMs: number;
}

/** What programs write to. */
export interface Storage {
  /** Until when, in the machine's time, it does not answer: what waits for it sleeps where SIGKILL does not reach it. */
  hangsUntil: number;
}

/** A simulated program. */
export interface Program {
  /** The hook's name, `start` for the main process, or `fork of …`. */
  readonly name: string;
  readonly alive: boolean;
  /** Whether it was sent SIGKILL. */
  readonly killed: boolean;
  /** Since when, in the machine's time, it runs as a user whose processes the guard may not signal; undefined: it does not. */
  readonly foreignSince: number | undefined;
  /** Whether it may not be signalled, or may be again for so short a time that its guard can't have killed it. */
  readonly unreachable: boolean;
  /** Whether it executes anything: not when it was sent SIGKILL and is held up in the kernel. */
  readonly executes: boolean;
  /** Does nothing to one that may not be signalled. */
  term(): void;
  /** Does nothing to one that may not be signalled. */
  kill(): void;
  /** Becomes another user's, who may not be signalled, for so long. */
  changeUser(ms: number): void;
  /** What is slow or stubborn about it ends: a hook is soon done, and everything ends when it is asked to. */
  hurry(): void;
}

export interface ProgramOptions {
  /** The time of its machine. */
  readonly time: Timeline;
  readonly storage: Storage;
  readonly onExit: (exit: ProcessExit) => void;
  readonly onFork: () => void;
}

/** How soon a guard has tried again to kill what it might not, with a little for the way. */
const NEXT_KILL_MS = 110;

/** Starts a program. */
export function startProgram(name: string, behaviour: Behaviour, options: ProgramOptions): Program {
  const { time, storage, onExit, onFork } = options;
  let alive = true;
  let dying = false;
  let asked = false;
  let hurried = false;
  let heldUp = false;
  let foreignSince: number | undefined;
  let ownAgainAt = Number.NEGATIVE_INFINITY;

  function exit(how: ProcessExit): void {
    if (!alive) return;
    alive = false;
    onExit(how);
  }

  time.after(behaviour.runsMs, () => exit({ code: behaviour.code, signal: null }));
  time.after(behaviour.forksAfterMs, () => {
    if (alive && !dying) onFork();
  });
  function becomeOwn(): void {
    if (foreignSince === undefined) return;
    foreignSince = undefined;
    ownAgainAt = time.now;
  }

  return {
    name,
    get alive() {
      return alive;
    },
    get killed() {
      return dying;
    },
    get foreignSince() {
      return foreignSince;
    },
    get unreachable() {
      return foreignSince !== undefined || time.now <= ownAgainAt + NEXT_KILL_MS + behaviour.diesInMs;
    },
    get executes() {
      return alive && !heldUp;
    },
    term() {
      if (foreignSince !== undefined) return;
      asked = true;
      time.after(hurried ? 0 : behaviour.stopsInMs, () => exit({ code: null, signal: "SIGTERM" }));
    },
    kill() {
      if (dying || foreignSince !== undefined) return;
      dying = true;
      const heldUpMs = storage.hangsUntil - time.now;
      heldUp = heldUpMs > behaviour.diesInMs;
      time.after(Math.max(behaviour.diesInMs, heldUpMs), () => exit({ code: null, signal: "SIGKILL" }));
    },
    changeUser(ms) {
      if (dying || foreignSince !== undefined) return;
      foreignSince = time.now;
      time.after(ms, becomeOwn);
    },
    hurry() {
      becomeOwn();
      hurried = true;
      if (asked) exit({ code: null, signal: "SIGTERM" });
      else if (name !== "start" && !name.startsWith("fork of")) exit({ code: 0, signal: null });
    },
  };
}

/** How the programs of a group behave: how often they are slow, fail, fork, or don't want to end. */
export interface Manners {
  readonly ttlMs: number;
  readonly candidateTimeoutMs: number;
  /** From 0, all are quick and reliable, to 1. */
  readonly trouble: number;
}

const NEVER = Number.POSITIVE_INFINITY;

/** Chooses how a program behaves this time. */
export function chooseBehaviour(
  name: string,
  { ttlMs, candidateTimeoutMs, trouble }: Manners,
  random: Random,
): Behaviour {
  const rarely = (probability: number): boolean => random.chance(probability * trouble);
  const forksAfterMs = rarely(0.15) ? random.between(0, ttlMs) : NEVER;
  const diesInMs = random.between(0, 0.02 * ttlMs);
  if (name === "start") {
    return {
      runsMs: rarely(0.1) ? random.between(0, 15 * ttlMs) : NEVER,
      code: random.whole(0, 1),
      stopsInMs: rarely(0.15) ? NEVER : random.between(0, rarely(0.3) ? 3 * ttlMs : 100),
      forksAfterMs,
      diesInMs,
    };
  }
  if (name.startsWith("fork of")) {
    const runsMs = random.chance(0.5) ? NEVER : random.between(0, 6 * ttlMs);
    // A daemon that would end by itself does so sooner when it is asked to.
    return { runsMs, code: 0, stopsInMs: runsMs / 2, forksAfterMs: NEVER, diesInMs };
  }
  const thinksMs = name === "candidate" && random.chance(0.3) ? random.between(0, candidateTimeoutMs) : 0;
  const slow = rarely(name === "node_state_change" ? 0.05 : 0.15);
  return {
    runsMs: slow ? random.between(0, 4 * ttlMs) : Math.max(thinksMs, random.between(1, 30)),
    code: rarely(name === "candidate" ? 0.3 : 0.03) ? 1 : 0,
    stopsInMs: rarely(0.2) ? NEVER : random.between(0, 20),
    forksAfterMs: rarely(0.3) ? 0 : forksAfterMs,
    diesInMs,
  };
}
