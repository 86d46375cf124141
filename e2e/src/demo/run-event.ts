import type pg from "pg";
import type { NodePlace } from "../postgresql-group/group-commands.ts";
import type { GroupView } from "../postgresql-group/group-watch.ts";
import { TABLE, type Writer } from "../postgresql-group/writer.ts";
import { type EventKind, events, type Scene } from "./events.ts";
import { type Parts, readParts } from "./parts.ts";
import { until } from "./until.ts";

/** What an event cost the clients. */
export interface EventResult {
  readonly kind: EventKind;
  readonly gapMs: number;
  readonly refusedConnections: number;
  readonly acknowledgedRows: number;
  readonly missingRows: number;
  readonly brokenSessions: number;
  readonly refusals: Readonly<Record<string, number>>;
  readonly formerMaster: string;
  readonly master: string;
  readonly parts: Parts;
}

export interface EventScene extends Scene {
  readonly nodes: readonly NodePlace[];
  readonly writer: Writer;
  /** Opens a session through the frontend. */
  readonly connect: () => Promise<pg.Client>;
  readonly say: (line: string) => void;
}

/** Has one event happen to a group that is whole, and resolves when it is whole again. */
export async function runEvent(scene: EventScene, kind: EventKind): Promise<EventResult> {
  const { watch, writer, patienceMs, say, nodes } = scene;
  const former = watch.view;
  const formerMaster = former.master?.name;
  if (formerMaster === undefined) throw new Error("expected a master before the next event, found none");
  const event = events[kind];
  say(`${kind}: ${event.title} (${formerMaster})`);

  const since = Date.now();
  writer.meter.begin();
  const bringBack = await event.happen(scene, formerMaster);
  await until(() => watch.view.token > former.token && watch.view.master !== undefined, {
    ...{ what: `a master after ${kind}`, patienceMs },
  });
  const elected = performance.now();
  await until(() => writer.meter.allServedSince(elected), {
    ...{ what: `all clients to be served again after ${kind}`, patienceMs },
  });
  const master = watch.view.master?.name ?? "";
  say(`  ${master} is the master and takes rows`);
  await bringBack();
  await untilWhole(scene, kind);

  const { gapMs, acknowledgedRows, refusedConnections, brokenSessions, refusals } = writer.meter.read();
  const missingRows = await countMissing(scene);
  const parts = await readParts({ nodes, formerMaster, master, since });
  return {
    ...{ kind, gapMs, refusedConnections, acknowledgedRows, missingRows, brokenSessions, refusals },
    ...{ formerMaster, master, parts },
  };
}

/** Resolves when the group has a master, all others stream from it, and clients write. */
export async function untilWhole(
  { watch, writer, patienceMs }: Pick<EventScene, "watch" | "writer" | "patienceMs">,
  after: string,
): Promise<void> {
  await until(() => isWhole(watch.view), {
    what: `all nodes to stream from the master after ${after}`,
    patienceMs,
  });
  const whole = performance.now();
  await until(() => writer.meter.allServedSince(whole), {
    what: `clients to be served after ${after}`,
    patienceMs,
  });
}

const CAUGHT_UP_BYTES = 1 << 20;

function isWhole({ nodes, master, etcdAnswers }: GroupView): boolean {
  const standbys = master?.server?.standbys;
  if (!etcdAnswers || !standbys) return false;
  return nodes.every(
    ({ name, state }) =>
      name === master.name ||
      (state === "ready" && (standbys[name] ?? Number.POSITIVE_INFINITY) < CAUGHT_UP_BYTES),
  );
}

/** Looks for each acknowledged row that no earlier event has looked for. */
async function countMissing({ writer, connect }: EventScene): Promise<number> {
  const acknowledged = writer.takeAcknowledged();
  const client = await connect();
  try {
    const { rows } = await client.query<{ found: number }>(
      `SELECT count(*)::int AS found FROM ${TABLE} WHERE id = ANY($1)`,
      [acknowledged],
    );
    return acknowledged.length - (rows[0]?.found ?? 0);
  } finally {
    await client.end();
  }
}
