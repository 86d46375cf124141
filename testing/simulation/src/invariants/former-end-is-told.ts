import type { Invariant } from "../facts/moment.ts";

/**
 * A run learns that the former one left without its `stopped` hook: it is not told of a clean end unless that hook had
 * ended well and nothing ran after it.
 */
export const formerEndIsTold: Invariant = (moment) => {
  if (moment.kind !== "start" || moment.program !== "pre_start") return undefined;
  const { run, env } = moment;
  const { former } = run;
  if (!former || former.cleaned || env["MSDHA_FORMER_END"] !== "clean") return undefined;
  return `${run.id} is told that ${former.id} left in a clean way, which did not`;
};
