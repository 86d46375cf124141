import { executing } from "../facts/facts.ts";
import type { Invariant } from "../facts/moment.ts";

const KILL_AT_TTLS = 1.75;
/** What SIGKILL itself may take, in TTLs, and the way of a command to the guard, in ms. */
const SLOW_KILL_TTLS = 0.03;
const COMMAND_MS = 10;

/** Nothing executes any more of a run that was ever the master 1.75 TTLs after its last proof, by its machine's clock. */
export const goneByKillTime: Invariant = ({ kind }, { runs }) => {
  if (kind !== "step") return undefined;
  for (const run of runs) {
    if (!run.published || run.programs.size === 0) continue;
    const lateMs = run.hardware.now() - run.seen - (KILL_AT_TTLS + SLOW_KILL_TTLS) * run.ttlMs - COMMAND_MS;
    if (lateMs <= 0) continue;
    const late = executing(run);
    if (late.length > 0)
      return `${run.id} still runs ${late.map(({ name }) => name)} ${lateMs} ms past its kill time`;
  }
  return undefined;
};
