import { executing, type Facts } from "../facts/facts.ts";
import type { Invariant, Moment } from "../facts/moment.ts";

/** What SIGKILL itself may take, in TTLs, and the way of a command to the guard, in ms. */
const SLOW_KILL_TTLS = 0.03;
const COMMAND_MS = 10;

/**
 * Of two copies of a machine one alone goes on: no proof is written over the other one's. A run that learns that a copy
 * writes in its name executes nothing a moment later but what cleans up behind it, and leaves the lease to the copy.
 */
export const yieldsToCopy: Invariant = (moment, facts) => {
  if (moment.kind === "change") return overwritten(moment, facts);
  if (moment.kind === "ask") return revoked(moment);
  return moment.kind === "step" ? outlived(facts) : undefined;
};

function overwritten({ change }: Moment & { kind: "change" }, { copyWrote }: Facts): string | undefined {
  if (copyWrote.size === 0) return undefined;
  const found = change.events.find(({ type, kv }) => type === "PUT" && copyWrote.get(kv.key) === "before");
  return found && `${found.kv.key} was written over the proof of a copy`;
}

function revoked({ run, call, argument }: Moment & { kind: "ask" }): string | undefined {
  if (run.copiedAt === undefined || call !== "leaseRevoke" || argument !== run.lease) return undefined;
  return `${run.id} revokes the lease of its copy`;
}

function outlived({ runs }: Facts): string | undefined {
  for (const run of runs) {
    const { copiedAt, supervisor, machine, ttlMs, rate } = run;
    if (copiedAt === undefined || !run.published || run.programs.size === 0) continue;
    if (!supervisor.alive || supervisor.frozen) continue;
    const from = Math.max(copiedAt, supervisor.thawedAt);
    const lateMs = machine.now - from - (SLOW_KILL_TTLS * ttlMs) / rate - COMMAND_MS;
    if (lateMs <= 0) continue;
    const late = executing(run).filter(({ name }) => !name.endsWith("stopped"));
    if (late.length > 0)
      return `${run.id} still runs ${late.map(({ name }) => name)} ${lateMs} ms after it learned of a copy of it`;
  }
  return undefined;
}
