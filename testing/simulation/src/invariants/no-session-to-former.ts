import type { Invariant } from "../facts/moment.ts";

/** For how many TTLs a frontend believes what it saw, after a proof by quorum (docs/protocol.md, "Who is master"). */
const BOUND_TTLS = 2;
/** The way of an answer and of a command. */
const CARRY_OUT_MS = 150;

/**
 * No frontend sends new sessions to a node for longer than a bound after that ceased to be the master, whatever the
 * frontend was told, or not told. Not promised while its process is frozen: HAProxy goes on alone; nor of an etcd that
 * answers with an old state, which a frontend takes for the present one.
 */
export const noSessionToFormer: Invariant = (moment, { frontends, ceased, longestTtlMs }) => {
  if (moment.kind !== "step" || ceased.size === 0) return undefined;
  for (const { name, process, targets, oldReadAt } of frontends) {
    if (process.frozen) continue;
    for (const target of targets()) {
      const since = ceased.get(target);
      if (since === undefined) continue;
      const boundMs = BOUND_TTLS * longestTtlMs;
      const lateMs =
        moment.now - Math.max(since + boundMs, oldReadAt + boundMs, process.thawedAt) - CARRY_OUT_MS;
      if (lateMs > 0)
        return `${name} sends new sessions to ${target} ${lateMs} ms after the bound: it ceased to be the master at ${since}`;
    }
  }
  return undefined;
};
