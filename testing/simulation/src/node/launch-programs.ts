import type { Random } from "@msdha/etcd-simulated";
import type { RunFacts } from "../facts/facts.ts";
import type { World } from "../world/world.ts";
import type { ProgramEvents, StartProgram } from "./guard-process.ts";
import { chooseBehaviour, type Program, type Storage, startProgram } from "./program.ts";
import type { Disk } from "./simulated-files.ts";

export interface LaunchOptions {
  /** Decides how programs behave. */
  readonly manners: Random;
  readonly disk: Disk;
  readonly storage: Storage;
  readonly candidateTimeoutMs: number;
}

/** Returns what starts the programs of a run on its machine. */
export function launchPrograms(
  run: RunFacts,
  world: World,
  { manners, disk, storage, candidateTimeoutMs }: LaunchOptions,
): StartProgram {
  const launch = (name: string, on: ProgramEvents): Program => {
    const trouble = world.calm ? 0 : world.scenario.trouble;
    const behaviour = chooseBehaviour(name, { ttlMs: run.ttlMs, candidateTimeoutMs, trouble }, manners);
    const program = startProgram(name, behaviour, {
      time: run.machine,
      storage,
      onFork: () => on.fork(launch(`fork of ${name}`, on)),
      onExit(exit) {
        run.programs.delete(program);
        world.trace(run.id, () => `${name} ended ${exit.signal ?? exit.code}`);
        if (name === "master" && exit.code === 0) run.mastered = true;
        if (name === "stopped" && exit.code === 0) {
          run.cleaned = true;
          // One that ended before its pre_start has cleaned up for the one before it.
          disk.lastRun = run;
        }
        on.exit(program, exit);
      },
    });
    run.programs.add(program);
    return program;
  };
  return (file, { args, env }, on) => {
    world.trace(run.id, () => `${file} ${args.join(" ")}`);
    if (file === "master") run.published = true;
    if (file === "pre_start") disk.lastRun = run;
    const program = launch(file, on);
    world.check({ kind: "start", run, program: file, args, env });
    return program;
  };
}
