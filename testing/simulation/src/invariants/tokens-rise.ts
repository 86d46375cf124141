import { lostTime } from "../facts/facts.ts";
import type { Invariant } from "../facts/moment.ts";

/**
 * Each `master` hook is started with a fencing token that is larger than every one before it. A restored etcd counts
 * anew; a hook can be started after a restore with a token of before.
 */
export const tokensRise: Invariant = (moment, { lastTokens, group }) => {
  if (moment.kind !== "start" || moment.program !== "master") return undefined;
  const { run, env } = moment;
  const token = Number(env["MSDHA_FENCING_TOKEN"]);
  // A lock that the run had given back can come back to it.
  const lock = group.lock?.run === run ? group.lock : run.lock;
  const restores = lock?.restores ?? 0;
  const last = lastTokens.get(restores) ?? 0;
  // Its machine stood still, and nobody on it knows for how long: it is killed when it learns of the next master.
  if (lostTime(run) && token < last) return undefined;
  lastTokens.set(restores, Math.max(token, last));
  if (token > last) return undefined;
  return `${run.id} got the fencing token ${token} after ${last} had been given out`;
};
