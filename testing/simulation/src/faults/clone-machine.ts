import { startCopy } from "../node/machine-copy.ts";
import type { Fault } from "./fault.ts";

/** The machine of the lock's holder is cloned as it runs (a live snapshot): both have its lease, its lock and its token. */
export const cloneMachine: Fault = ({ world }, random) => {
  const { facts } = world;
  const run = facts.group.lock?.run;
  if (run?.supervisor.alive && facts.copies.size === 0) startCopy(world, run, random);
};
