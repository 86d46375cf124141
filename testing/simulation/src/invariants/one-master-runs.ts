import { executing, lostTime } from "../facts/facts.ts";
import type { Invariant } from "../facts/moment.ts";

/**
 * A `master` hook never starts, and no run becomes the master, while anything executes that another run which ever was
 * the master has started. Not promised of a machine that stood still since its last proof: no clock on it knows for how
 * long (see `killsWhenOvertaken`).
 */
export const oneMasterRuns: Invariant = (_, { runs }) => {
  let running: string | undefined;
  for (const run of runs) {
    if (!run.published || run.programs.size === 0 || lostTime(run) || executing(run).length === 0) continue;
    if (running !== undefined)
      return `${running} and ${run.id} were both made master and both have something running`;
    running = run.id;
  }
  return undefined;
};
