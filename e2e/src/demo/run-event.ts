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

/** How often an event is tried on a machine that is so busy that the group loses its master besides. */
const ATTEMPTS = 5;

/**
 * Has one event happen to a group that is whole, and resolves when it is whole again. Where the master changed once more
 * meanwhile, the figures would be those of two changes: the event is repeated. Rejects when that is so five times in a row.
 */
export async function runEvent(scene: EventScene, kind: EventKind): Promise<EventResult> {
  for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
    const result = await tryEvent(scene, kind);
    if (result) return result;
    scene.say(`  the master changed once more: this machine is too busy for so short a TTL; ${kind} again`);
  }
  throw new Error(
    `this machine is too busy for the group's TTL: its master was lost besides in ${ATTEMPTS} times ${kind}; expected a machine with less to do, or a longer --ttl`,
  );
}

/** Resolves with undefined where the master changed more than once. */
async function tryEvent(scene: EventScene, kind: EventKind): Promise<EventResult | undefined> {
  const { watch, writer, patienceMs, say, nodes } = scene;
  const patience = { patienceMs, say, progress: () => describeProgress(watch.view) };
  // A machine that is short of processor time may have lost the master since the group was whole.
  await until(() => watch.view.master !== undefined, { ...patience, what: `a master before ${kind}` });
  const former = watch.view;
  const formerMaster = former.master?.name ?? "";
  const event = events[kind];
  say(`${kind}: ${event.title} (${formerMaster})`);

  const since = Date.now();
  writer.meter.begin();
  const bringBack = await event.happen(scene, formerMaster);
  await until(() => watch.view.token > former.token && watch.view.master !== undefined, {
    ...patience,
    what: `a master after ${kind}`,
  });
  const { token } = watch.view;
  const elected = performance.now();
  await until(() => writer.meter.allServedSince(elected), {
    ...patience,
    what: `all clients to be served again after ${kind}`,
  });
  const master = watch.view.master?.name ?? "";
  say(`  ${master} is the master and takes rows`);
  await bringBack();
  await untilWhole(scene, kind);

  const { gapMs, acknowledgedRows, refusedConnections, brokenSessions, refusals } = writer.meter.read();
  const missingRows = await countMissing(scene);
  if (watch.view.token !== token) return undefined;
  const parts = await readParts({ nodes, formerMaster, master, since });
  return {
    ...{ kind, gapMs, refusedConnections, acknowledgedRows, missingRows, brokenSessions, refusals },
    ...{ formerMaster, master, parts },
  };
}

/** Resolves when the group has a master, all others stream from it, and clients write. */
export async function untilWhole(
  { watch, writer, patienceMs, say }: Pick<EventScene, "watch" | "writer" | "patienceMs" | "say">,
  after: string,
): Promise<void> {
  const patience = { patienceMs, say, progress: () => describeProgress(watch.view) };
  await until(() => isWhole(watch.view), {
    ...patience,
    what: `all nodes to stream from the master after ${after}`,
  });
  const whole = performance.now();
  await until(() => writer.meter.allServedSince(whole), {
    ...patience,
    what: `clients to be served after ${after}`,
  });
}

/** How far each node is: its state, and how much it has yet to apply, in whole MiB. */
function describeProgress({ nodes, master }: GroupView): string {
  return nodes
    .map(({ name, state, isMaster }) => {
      const behind = master?.server?.standbys[name];
      const lag = behind === undefined ? "does not stream" : `${Math.ceil(behind / (1 << 20))} MiB behind`;
      return `${name} ${state || "away"}${isMaster ? "" : `, ${lag}`}`;
    })
    .join("; ");
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
async function countMissing({ writer, connect, patienceMs, say }: EventScene): Promise<number> {
  const acknowledged = writer.takeAcknowledged();
  let found: number | undefined;
  const look = async (): Promise<boolean> => {
    // The master may change at any moment: then what was asked is asked again.
    found = await countRows(connect, acknowledged).catch(() => undefined);
    return found !== undefined;
  };
  await until(look, { what: "an answer to how many rows there are", patienceMs, say });
  return acknowledged.length - (found ?? 0);
}

async function countRows(connect: EventScene["connect"], ids: readonly number[]): Promise<number> {
  const client = await connect();
  try {
    const { rows } = await client.query<{ found: number }>(
      `SELECT count(*)::int AS found FROM ${TABLE} WHERE id = ANY($1)`,
      [ids],
    );
    return rows[0]?.found ?? 0;
  } finally {
    void client.end().catch(() => {});
  }
}
