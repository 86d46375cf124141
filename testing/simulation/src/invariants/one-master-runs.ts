import type { Invariant } from "../facts/moment.ts";

/**
 * A `master` hook never starts, and no run becomes the master, while anything that another run which ever was the
 * master has started is alive.
 */
export const oneMasterRuns: Invariant = (_, { runs }) => {
  let running: string | undefined;
  for (const run of runs) {
    if (!run.published || run.programs.size === 0) continue;
    if (running !== undefined)
      return `${running} and ${run.id} were both made master and both have something running`;
    running = run.id;
  }
  return undefined;
};
