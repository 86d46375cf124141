import { executing } from "../facts/facts.ts";
import type { Invariant } from "../facts/moment.ts";

/** What SIGKILL itself may take, in TTLs, and the way of a command to the guard, in ms. */
const SLOW_KILL_TTLS = 0.03;
const COMMAND_MS = 10;

/**
 * A run that was the master and learns that another one has the lock with a larger token is late, whatever its clock
 * says: nothing of it executes a moment later but what cleans up behind it. There is no grace, also after its machine
 * stood still.
 */
export const killsWhenOvertaken: Invariant = ({ kind }, { runs }) => {
  if (kind !== "step") return undefined;
  for (const run of runs) {
    const { overtakenAt, supervisor, machine, ttlMs, rate } = run;
    if (overtakenAt === undefined || !run.published || run.programs.size === 0) continue;
    if (!supervisor.alive || supervisor.frozen) continue;
    const from = Math.max(overtakenAt, supervisor.thawedAt);
    const lateMs = machine.now - from - (SLOW_KILL_TTLS * ttlMs) / rate - COMMAND_MS;
    if (lateMs <= 0) continue;
    const late = executing(run).filter(({ name }) => !cleansUp(name));
    if (late.length > 0)
      return `${run.id} still runs ${late.map(({ name }) => name)} ${lateMs} ms after it should have killed them: another one has the lock`;
  }
  return undefined;
};

/** The `stopped` hook, and what it leaves behind: they have until the kill time. */
function cleansUp(name: string): boolean {
  return name.endsWith("stopped");
}
