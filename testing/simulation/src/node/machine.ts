import type { Clock } from "@msdha/clock";
import type { Random } from "@msdha/etcd-simulated";
import { misleads } from "../facts/apply-restore.ts";
import type { RunFacts } from "../facts/facts.ts";
import type { BackendScenario } from "../scenario.ts";
import { createDriftingClock } from "../world/drifting-clock.ts";
import { createMachineTime, type MachineTime } from "../world/machine-time.ts";
import { createLink, type Link } from "../world/network.ts";
import { createProcess, type SimulatedProcess } from "../world/process.ts";
import { createSupervisorClock } from "../world/supervisor-clock.ts";
import type { World } from "../world/world.ts";
import { type LiveRun, superviseRun } from "./live-run.ts";
import type { Storage } from "./program.ts";
import { emptyDisk } from "./simulated-files.ts";
import type { SimulatedGuard } from "./simulated-guard.ts";

/** What stands still at a step to come, and for how long. */
interface Standstill {
  readonly step: number;
  readonly ms: number;
  readonly what: "supervisor" | "machine";
}

const NEVER: Standstill = { step: Number.POSITIVE_INFINITY, ms: 0, what: "supervisor" };
const LOOK_AGAIN_MS = 1_000;

/** A container on a machine: one run of a backend after the other, as a restart policy has it. */
export class Machine {
  readonly scenario: BackendScenario;
  readonly links: readonly Link[];
  readonly #world: World;
  readonly #random: Random;
  readonly #time: MachineTime;
  readonly #offset: number;
  readonly #hardware: Clock;
  readonly #storage: Storage = { hangsUntil: 0 };
  #disk = emptyDisk();
  #live: LiveRun | undefined;
  #former: SimulatedGuard | undefined;
  #runs = 0;
  #retired = false;
  #behindUntil = 0;
  #freezeAt = NEVER;

  constructor(scenario: BackendScenario, world: World) {
    this.scenario = scenario;
    this.#world = world;
    this.#random = world.random.fork();
    this.#time = createMachineTime(world.scheduler);
    this.#offset = this.#random.between(0, 1e6);
    this.#hardware = createDriftingClock(this.#time, { rate: scenario.rate, offset: this.#offset });
    const { network } = world.scenario;
    const onSwallowed = (): void => this.#live?.facts.told.missed();
    this.links = world.etcd.members.map(() =>
      createLink({ random: this.#random.fork(), ...network, onSwallowed }),
    );
  }

  /** The present run, if one is under way. */
  get run(): RunFacts | undefined {
    return this.#live?.facts;
  }

  /** When the run's present or last freeze, the machine's pause, or what its clock missed, ends in the world's time. */
  get frozenUntil(): number {
    const frozenUntil = this.#live?.process.frozenUntil ?? 0;
    return Math.max(frozenUntil + this.#time.lostMs, this.#time.pausedUntil, this.#behindUntil);
  }

  start(): void {
    if (this.#retired || this.#live) return;
    if (misleads(this.#world.facts)) {
      this.#startAgain();
      return;
    }
    this.#runs += 1;
    if (!this.scenario.filesPersist) this.#disk = emptyDisk();
    const id = `${this.scenario.machine}#${this.#runs}`;
    const process = this.#startProcess(id);
    const facts = this.#describeRun(id, process);
    this.#world.facts.runs.add(facts);
    const own: LiveRun = { facts, process, stop: new AbortController(), guard: undefined };
    this.#live = own;
    this.#world.trace(id, () => "starts");
    this.#supervise(own);
  }

  /** Asks the node to stop, as `docker stop` does; after `graceMs` everything is killed. */
  stop({ graceMs }: { readonly graceMs: number }): void {
    const own = this.#live;
    if (!own) return;
    this.#world.trace(own.facts.id, () => "asked to stop");
    own.process.enter(() => own.stop.abort(new Error("asked to stop")));
    this.#time.after(graceMs, () => {
      if (this.#live === own) this.kill("container");
    });
  }

  /** Kills the supervisor alone, or everything at once; a new run follows. */
  kill(what: "supervisor" | "container" | "guard"): void {
    const own = this.#live;
    if (!own) return;
    this.#world.trace(own.facts.id, () => `${what} killed`);
    if (what !== "supervisor") own.guard?.die();
    if (what !== "guard") this.#end(own, "killed");
  }

  freeze(ms: number): void {
    this.#live?.process.freeze(ms);
  }

  /** Freezes the supervisor, or pauses the machine, at the supervisor's n-th step from now on. */
  freezeAtStep(steps: number, ms: number, what: Standstill["what"] = "supervisor"): void {
    if (this.#live) this.#freezeAt = { step: this.#live.process.steps + steps, ms, what };
  }

  /** The whole machine stands still, its clocks and the guard included, as a virtual machine that is paused. */
  pause(ms: number): void {
    this.#world.trace(this.scenario.machine, () => `stands still for ${Math.round(ms)} ms`);
    this.#time.pause(ms);
  }

  /** Its storage does not answer for so long: what is killed meanwhile runs no more, and is gone when it answers. */
  hangStorage(ms: number): void {
    this.#world.trace(this.scenario.machine, () => `its storage hangs for ${Math.round(ms)} ms`);
    this.#storage.hangsUntil = Math.max(this.#storage.hangsUntil, this.#time.now + ms);
  }

  /** /proc/uptime says so much more or less from now on. */
  leapUptime(ms: number): void {
    const run = this.run;
    if (!run) return;
    this.#world.trace(run.id, () => `its uptime leaps by ${Math.round(ms)} ms`);
    run.clock.leapUptime(ms);
  }

  /** The supervisor's clock misses some time. */
  fallBehind(ms: number): void {
    const run = this.run;
    if (!run) return;
    this.#world.trace(run.id, () => `its supervisor's clock falls behind by ${Math.round(ms)} ms`);
    run.clock.fallBehind(ms);
    this.#behindUntil = Math.max(this.#behindUntil, this.#world.scheduler.now) + ms / this.scenario.rate;
  }

  /** Never starts a run again. */
  retire(): void {
    this.#retired = true;
    this.kill("container");
  }

  #startProcess(id: string): SimulatedProcess {
    return createProcess(this.#time, {
      rate: this.scenario.rate,
      offset: this.#offset,
      machine: this.#time,
      freezeBefore: (step) => {
        if (step < this.#freezeAt.step || this.#world.calm) return 0;
        const { ms, what } = this.#freezeAt;
        this.#freezeAt = NEVER;
        if (what === "supervisor") return ms;
        this.pause(ms);
        return 0;
      },
      onFreeze: (ms) => this.#world.trace(id, () => `frozen for ${Math.round(ms)} ms`),
    });
  }

  #describeRun(id: string, supervisor: SimulatedProcess): RunFacts {
    const clock = createSupervisorClock(supervisor.clock, {
      onLeap: ({ ms, counted }) =>
        this.#world.trace(id, () => `uptime leapt by ${Math.round(ms)} ms, ${Math.round(counted)} ms count`),
    });
    return {
      id,
      node: this.scenario.name,
      ttlMs: this.scenario.ttlSeconds * 1_000,
      startedAt: this.#world.scheduler.now,
      rate: this.scenario.rate,
      machine: this.#time,
      hardware: this.#hardware,
      supervisor,
      clock,
      clusters: { first: undefined, told: new Set() },
      programs: new Set(),
      lease: undefined,
      lock: undefined,
      published: false,
      seen: this.#hardware.now(),
      seenByClock: clock.now(),
      readOld: false,
      lostMsAtSeen: this.#time.lostMs,
      newest: 0,
      followed: 0,
      readTo: 0,
      overtakenAt: undefined,
      marks: new Set(),
      copiedAt: undefined,
      mastered: false,
      cleaned: false,
      former: this.#disk.lastRun,
      follows: [],
      said: undefined,
      saidByOrder: false,
      answers: [],
      told: this.#world.facts.history.reader(),
    };
  }

  #supervise(own: LiveRun): void {
    const parts = {
      scenario: this.scenario,
      world: this.#world,
      random: this.#random,
      links: this.links,
      disk: this.#disk,
      storage: this.#storage,
      former: this.#former,
    };
    superviseRun(own, parts).then(
      (how) => this.#end(own, how),
      (error: unknown) => this.#end(own, `failed: ${String(error)}`),
    );
  }

  /** The run is over: its supervisor ends, and a new one starts after a while. */
  #end(own: LiveRun, how: string): void {
    if (this.#live !== own) return;
    this.#world.trace(own.facts.id, () => `is over (${how})`);
    own.process.kill();
    own.guard?.close();
    this.#former = own.guard ?? this.#former;
    this.#live = undefined;
    this.#forgetWhenGone(own.facts);
    this.#startAgain();
  }

  #startAgain(): void {
    this.#time.after(this.scenario.restartMs, () => this.start());
  }

  #forgetWhenGone(facts: RunFacts): void {
    if (facts.programs.size === 0) this.#world.facts.runs.delete(facts);
    else this.#world.scheduler.after(LOOK_AGAIN_MS, () => this.#forgetWhenGone(facts));
  }
}
