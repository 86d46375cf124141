import type { Invariant } from "../facts/moment.ts";

/** A run takes no answer of another cluster than the one that answered it first, and tells of each such endpoint. */
export const oneClusterAnswers: Invariant = (moment) => {
  if (moment.kind !== "answer") return undefined;
  const { run, cluster, endpoint, taken } = moment;
  if (taken && cluster !== run.clusters.first)
    return `${run.id} takes what another cluster answers at ${endpoint}`;
  if (!taken && !run.clusters.told.has(endpoint))
    return `${run.id} does not tell that another cluster answers at ${endpoint}`;
  return undefined;
};
