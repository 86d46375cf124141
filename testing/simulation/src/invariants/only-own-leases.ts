import type { Invariant } from "../facts/moment.ts";

/** No run revokes the lease of another one that is alive, whatever its name. */
export const onlyOwnLeases: Invariant = (moment, { runs }) => {
  if (moment.kind !== "ask" || moment.call !== "leaseRevoke") return undefined;
  for (const other of runs) {
    if (other === moment.run || other.lease !== moment.argument) continue;
    if (other.supervisor.alive || other.programs.size > 0)
      return `${moment.run.id} revokes the lease of ${other.id}`;
  }
  return undefined;
};
