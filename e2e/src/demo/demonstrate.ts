import { randomBytes } from "node:crypto";
import { cp, rm } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import { DATABASE, type GroupSettings, placeNodes, SUPERUSER } from "../postgresql-group/group-commands.ts";
import { watchGroup } from "../postgresql-group/group-watch.ts";
import { makeLayout } from "../postgresql-group/layout.ts";
import { type Access, startWriter, TABLE, type Writer } from "../postgresql-group/writer.ts";
import { startGroupProcess } from "./group-handle.ts";
import type { DemoOptions } from "./options.ts";
import { describeEvent, findProblems, type Report, toJson } from "./report.ts";
import { type EventResult, runEvent, untilWhole } from "./run-event.ts";
import { createScreen, type Screen } from "./screen.ts";
import { renderTable, summarize } from "./table.ts";
import { until } from "./until.ts";

const NODES = 3;

/**
 * Starts a group, has things happen to it, and tells what its clients saw. Rejects when something went wrong, and as
 * soon as `signal` aborts. Nothing is left behind in any case, unless the options say that the group shall stay.
 */
export async function demonstrate(
  options: DemoOptions,
  { signal }: { readonly signal: AbortSignal },
): Promise<void> {
  await using undo = new AsyncDisposableStack();
  const screen = undo.use(createScreen(options.json ? process.stderr : process.stdout));
  const aborted = new Promise<never>((_, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
  });
  const run = play(options, screen, undo);
  run.catch(() => {});
  await Promise.race([run, aborted]);
}

async function play(options: DemoOptions, screen: Screen, undo: AsyncDisposableStack): Promise<void> {
  const layout = await makeLayout(NODES);
  const { folder } = layout;
  let keep = false;
  undo.defer(async () => {
    if (!keep) await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  });
  const group = undo.use(startGroupProcess(`${folder}/group.log`));
  if (options.logs !== undefined) undo.defer(() => copyLogs(folder, options.logs ?? ""));

  const { ttlSeconds } = options;
  const settings = { layout, ttlSeconds, password: secret(), replicationPassword: secret() };
  const access = accessOf(settings);
  const nodes = placeNodes(layout);
  const patienceMs = 30_000 + 10_000 * ttlSeconds;
  introduce(screen, settings);
  const { etcd } = await group.open(settings);
  const watch = undo.use(watchGroup(etcd, nodes, access));
  screen.say("etcd answers; starting the nodes and the frontend");

  let event = "setting up";
  let writer: Writer | undefined;
  screen.follow(
    () => renderTable(watch.view, { event, rows: writer?.total ?? 0, ...writer?.meter.read() }),
    () => summarize(watch.view),
  );

  const say = (line: string): void => screen.say(line);
  const begun = performance.now();
  await group.start();
  await until(() => makeTable(access), {
    what: "the group's first master",
    patienceMs,
    progress: () => summarize(watch.view),
    say,
  });
  const coldStartMs = Math.round(performance.now() - begun);
  screen.say(`the first row was acknowledged ${coldStartMs} ms after the start of the group's processes`);

  writer = undo.use(startWriter(access));
  await untilWhole({ watch, writer, patienceMs, say }, "the start");
  screen.say("all nodes stream from the master; clients write");

  const results: EventResult[] = [];
  const connect = (): Promise<pg.Client> => openSession(access);
  const stage = { group, watch, writer, nodes, ttlSeconds, patienceMs, say, connect };
  for (const kind of options.events) {
    event = kind;
    const result = await runEvent(stage, kind);
    results.push(result);
    say(`  ${describeEvent(result)}`);
  }
  judge({ ttlSeconds, coldStartMs, events: results, overlaps: writer.overlaps }, options);
  if (options.keep) {
    const pid = await group.detach();
    keep = true;
    tellHowToConnect(say, settings, pid);
  }
}

function introduce(screen: Screen, { layout, ttlSeconds }: GroupSettings): void {
  screen.say(`a group of ${NODES} PostgreSQL nodes with a TTL of ${ttlSeconds} s; data in ${layout.storage}`);
  screen.say(
    "replication is asynchronous, as by default: a crash can lose the last rows, a planned stop and MSDHA_PG_SYNC=strict lose none",
  );
}

/** Prints the report where that is asked for. Throws when something went wrong. */
function judge(report: Report, { json }: DemoOptions): void {
  if (json) process.stdout.write(`${toJson(report)}\n`);
  const problems = findProblems(report);
  if (problems.length > 0) throw new Error(problems.join("; "));
}

function accessOf({ layout, password }: GroupSettings): Access {
  return { host: layout.frontendAddress, port: layout.port, user: SUPERUSER, password, database: DATABASE };
}

async function openSession(access: Access): Promise<pg.Client> {
  const client = new pg.Client(access);
  client.on("error", () => {});
  await client.connect();
  return client;
}

/** True when the first server took it. */
async function makeTable(access: Access): Promise<boolean> {
  try {
    const client = await openSession(access);
    try {
      await client.query(
        `CREATE TABLE IF NOT EXISTS ${TABLE} (id bigint PRIMARY KEY, at timestamptz NOT NULL DEFAULT now())`,
      );
      return true;
    } finally {
      void client.end().catch(() => {});
    }
  } catch {
    return false;
  }
}

async function copyLogs(folder: string, to: string): Promise<void> {
  await sleep(100);
  await cp(folder, to, { recursive: true, filter: (path) => path === folder || path.endsWith(".log") });
}

function tellHowToConnect(
  say: (line: string) => void,
  { layout, password }: GroupSettings,
  pid: number,
): void {
  const { frontendAddress, port } = layout;
  say("the group goes on running. To connect to its master, whichever node that is:");
  say(`  psql postgresql://${SUPERUSER}:${password}@${frontendAddress}:${port}/${DATABASE}`);
  say(`the logs are in ${layout.folder}. To end it all and remove everything: kill ${pid}`);
}

function secret(): string {
  return randomBytes(12).toString("hex");
}
