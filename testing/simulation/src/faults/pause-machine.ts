import { type Fault, masterOrAny, someTime } from "./fault.ts";

/** A virtual machine is paused: everything on it stands still, its clocks and the guard too. */
export const pauseMachine: Fault = (group, random) =>
  masterOrAny(group, random).pause(someTime(group, random));

/** Right between two steps of its supervisor that are still to come. */
export const pauseAtSomeStep: Fault = (group, random) =>
  masterOrAny(group, random).freezeAtStep(random.whole(1, 60), someTime(group, random), "machine");
