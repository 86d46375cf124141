import { type Fault, masterOrAny, someTime } from "./fault.ts";

export const killSupervisor: Fault = (group, random) => masterOrAny(group, random).kill("supervisor");

export const killContainer: Fault = (group, random) => masterOrAny(group, random).kill("container");

export const killGuard: Fault = (group, random) => masterOrAny(group, random).kill("guard");

export const freezeSupervisor: Fault = (group, random) =>
  masterOrAny(group, random).freeze(someTime(group, random));

/** Right between two steps that are still to come. */
export const freezeAtSomeStep: Fault = (group, random) =>
  masterOrAny(group, random).freezeAtStep(random.whole(1, 60), someTime(group, random));

export const stopNode: Fault = (group, random) =>
  masterOrAny(group, random).stop({ graceMs: random.pick([500, 10_000, 30_000]) });

export const freezeFrontend: Fault = (group, random) =>
  random.pick(group.frontends).freeze(someTime(group, random));

export const killFrontend: Fault = ({ frontends }, random) => random.pick(frontends).kill();

export const restartHaproxy: Fault = ({ frontends }, random) => random.pick(frontends).restartHaproxy();
