import type { EventKind } from "./events.ts";
import type { EventResult } from "./run-event.ts";

/** All that a demo has found. */
export interface Report {
  readonly ttlSeconds: number;
  /** From the start of the group's processes to the first row that was acknowledged through the frontend. */
  readonly coldStartMs: number;
  readonly events: readonly EventResult[];
  /** Rows that a former master acknowledged after its successor's first. */
  readonly overlaps: number;
}

/** The object that `--json` prints. */
export function toJson({ ttlSeconds, coldStartMs, events }: Report): string {
  return JSON.stringify({
    ttlSeconds,
    coldStartMs,
    events: events.map(({ kind, gapMs, refusedConnections, acknowledgedRows, missingRows }) => ({
      ...{ kind, gapMs, refusedConnections, acknowledgedRows, missingRows },
    })),
  });
}

/** One line for people. */
export function describeEvent(result: EventResult): string {
  const { kind, formerMaster, master, gapMs, refusedConnections, acknowledgedRows, missingRows } = result;
  const from = formerMaster === master ? `${master} again` : `${formerMaster} -> ${master}`;
  return [
    `${kind.padEnd(12)}  ${from}  client gap ${seconds(gapMs)}${describeParts(result)}`,
    `refused ${refusedConnections}${describeRefusals(result)}, sessions broken ${result.brokenSessions}`,
    `rows acknowledged ${acknowledgedRows}, missing ${missingRows}`,
  ].join("; ");
}

function describeRefusals({ refusals }: EventResult): string {
  const texts = Object.entries(refusals).map(([why, times]) => `${times} x ${why}`);
  return texts.length > 0 ? ` (${texts.join(", ")})` : "";
}

/** What the bars leave out: the program's own stop and the hooks. */
function describeParts({ gapMs, parts: { stopMs, stoppedHookMs, masterHookMs } }: EventResult): string {
  const parts = [
    { name: "the main process's stop", ms: stopMs },
    { name: "the stopped hook", ms: stoppedHookMs },
    { name: "the master hook", ms: masterHookMs },
  ].flatMap(({ name, ms }) => (ms === undefined ? [] : [{ name, ms }]));
  if (parts.length === 0) return "";
  const rest = gapMs - parts.reduce((sum, { ms }) => sum + ms, 0);
  return ` (${parts.map(({ name, ms }) => `${name} ${seconds(ms)}`).join(", ")}, the rest ${seconds(rest)})`;
}

function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(2)} s`;
}

/** What must not have happened: one line each, none when all is well. */
export function findProblems({ events, overlaps }: Report): readonly string[] {
  const planned: EventKind = "planned-stop";
  const problems = events
    .filter(({ kind }) => kind === planned)
    .flatMap(({ missingRows, refusedConnections }) => [
      ...(missingRows > 0 ? [`${missingRows} acknowledged rows were lost in a planned stop`] : []),
      ...(refusedConnections > 0 ? [`${refusedConnections} connections were refused in a planned stop`] : []),
    ]);
  if (overlaps > 0)
    problems.push(`${overlaps} rows were acknowledged by a former master after its successor's first`);
  return problems;
}
