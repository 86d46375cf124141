import type { Invariant } from "../facts/moment.ts";

/** From the answer of the guard to the start of the hook. */
const ON_THE_WAY_MS = 50;

/**
 * No `master` hook starts while its run has something that its guard may not kill, but what became so since the guard was
 * asked. The publication itself may be sent again, and etcd may carry it out late.
 */
export const permittedWhenPublished: Invariant = (moment) => {
  if (moment.kind !== "start" || moment.program !== "master") return undefined;
  const { run } = moment;
  const { machine, programs, supervisor } = run;
  // A supervisor that was frozen may have asked before that.
  if (supervisor.thawedAt > machine.now - ON_THE_WAY_MS || supervisor.frozen) return undefined;
  for (const { name, foreignSince = Number.POSITIVE_INFINITY } of programs) {
    if (foreignSince < machine.now - ON_THE_WAY_MS)
      return `${run.id} runs its master hook although it may not kill ${name}`;
  }
  return undefined;
};
