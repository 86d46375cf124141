import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { waitFor } from "@msdha/testkit";
import { expect } from "vitest";
import type { HookGroup, HookNode, HookResult } from "./hook-node.ts";
import { send } from "./server-processes.ts";

/** Asserts that a hook succeeded; what it printed is in the message. */
export function expectSuccess({ exitCode, output }: HookResult): void {
  expect(exitCode, output).toBe(0);
}

/** Brings up the group's first node, as its master. */
export async function startFirst(group: HookGroup, name: string, user?: string): Promise<HookNode> {
  const node = group.node(name);
  const { exitCode, output } = await node.hook("pre_start");
  expect({ exitCode, output }).toEqual({
    exitCode: 0,
    output: `initialising the group's data in ${node.data}`,
  });
  await becomeReady(node);
  await promote(group, node, user);
  return node;
}

/** Brings up a node beside a master. */
export async function joinGroup(
  group: HookGroup,
  name: string,
  settings: Readonly<Record<string, string>> = {},
): Promise<HookNode> {
  const node = group.node(name, settings);
  expect(await node.hook("pre_start")).toEqual({ exitCode: 0, output: expect.any(String) });
  await becomeReady(node);
  return node;
}

/** Starts the server and waits until it may be promoted. */
export async function becomeReady(
  node: HookNode,
  { master, group }: { readonly master?: string | undefined; readonly group?: HookGroup } = {},
): Promise<void> {
  group?.setMaster(master);
  node.start();
  expect(await node.hook("running_not_ready")).toEqual({ exitCode: 0, output: expect.any(String) });
}

/** Makes it the master. */
export async function promote(group: HookGroup, node: HookNode, user?: string): Promise<void> {
  group.setMaster(node.name);
  expect(await node.hook("master")).toEqual({ exitCode: 0, output: expect.any(String) });
  expect(await node.sql("SELECT pg_is_in_recovery()", user)).toBe("f");
}

/** Resolves when `synchronous_standby_names` is so: after the group's record where a standby joins, before it where one leaves. */
export async function serverWaitsFor(master: HookNode, names: string): Promise<void> {
  await waitFor(async () => (await master.sql("SHOW synchronous_standby_names")) === names, {
    what: `the server to wait for ${names}`,
  });
}

/** Resolves when the group's record of who has every acknowledged commit says this. */
export async function inSync(group: HookGroup, record: string): Promise<void> {
  await waitFor(() => group.value("postgresql-sync") === record, {
    what: `the record to be ${record}, not ${group.value("postgresql-sync")}`,
  });
}

/** Resolves when a commit of this master waits for a standby. */
export async function waitsForStandby(master: HookNode): Promise<void> {
  await waitFor(
    async () =>
      (await master.sql("SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep'")) === "1",
    { what: "a commit that waits for a standby" },
  );
}

/** All that the node's hooks, and the helper that the first one started, have logged. */
export function logOf(node: HookNode): string {
  return readdirSync(node.runDir)
    .filter((name) => name.startsWith("output-"))
    .map((name) => readFileSync(join(node.runDir, name), "utf8"))
    .join("\n");
}

/** The processes of a node's hook, those that it has left running too; those of PostgreSQL's server are none. */
export function hookProcesses(node: HookNode, hook: string): readonly number[] {
  const wanted = [`MSDHA_RUN_DIR=${node.runDir}`, `MSDHA_HOOK=${hook}`];
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      const environment = read(`/proc/${pid}/environ`).split("\0");
      return wanted.every((entry) => environment.includes(entry));
    });
}

/** Whether nothing of a process is left. One that is ending has lost its environment before its sockets are closed. */
export function hasEnded(pid: number): boolean {
  const stat = read(`/proc/${pid}/stat`);
  const state = stat.slice(stat.lastIndexOf(")") + 2, stat.lastIndexOf(")") + 3);
  return stat === "" || (state === "Z" && tasksOf(pid).length <= 1);
}

function tasksOf(pid: number): readonly string[] {
  try {
    return readdirSync(`/proc/${pid}/task`);
  } catch {
    return [];
  }
}

/** Kills a hook of a node with all that runs for it, also what is just being started. Resolves when nothing of it is left. */
export async function killHook(node: HookNode, hook: string): Promise<void> {
  const killed = new Set<number>();
  const killAll = (): boolean => {
    const found = hookProcesses(node, hook);
    for (const pid of found) {
      killed.add(pid);
      send(pid, "SIGKILL");
    }
    return found.length === 0 && [...killed].every(hasEnded);
  };
  await waitFor(killAll, { what: "a killed hook's processes to be gone" });
}

/** Sends a signal to the process that the node's hooks ask, which looks after the standbys of a master. */
export function signalHelper(node: HookNode, signal: "SIGSTOP" | "SIGCONT" | "SIGINT" | "SIGKILL"): void {
  for (const name of readdirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    const command = read(`/proc/${name}/cmdline`);
    if (command.includes("msdha-postgresql.mjs") && command.includes(`${node.runDir}/`))
      send(Number(name), signal);
  }
}

function read(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return ""; // It has ended.
  }
}

/** Takes all connections of a server but those that are kept for superusers. */
export async function takeConnections(node: HookNode): Promise<void> {
  const free =
    Number(await node.sql("SHOW max_connections")) -
    Number(await node.sql("SHOW superuser_reserved_connections"));
  for (let taken = 0; taken < free; taken += 1) void node.sql("SELECT pg_sleep(600)").catch(() => {});
  await waitFor(
    async () =>
      Number(await node.sql("SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep%'")) ===
      free,
    { what: "clients to have all connections" },
  );
}

/** b is promoted without the table `only_here`, which a, its master, has made last: nothing more leaves a, and then it is killed. */
export async function partNodes(
  group: HookGroup,
  {
    rows = 100_000,
    beforeKill = async () => {},
    beforePromotion = async () => {},
  }: {
    readonly rows?: number;
    readonly beforeKill?: (a: HookNode) => Promise<void>;
    readonly beforePromotion?: (b: HookNode) => Promise<void>;
  } = {},
): Promise<{ readonly a: HookNode; readonly b: HookNode }> {
  const a = await startFirst(group, "a");
  const b = await joinGroup(group, "b");
  process.kill(Number(await a.sql("SELECT pid FROM pg_stat_replication")), "SIGSTOP");
  await a.sql(`CREATE TABLE only_here AS SELECT generate_series(1, ${rows})`);
  await beforeKill(a);
  await a.stop("SIGKILL");
  group.setMaster(undefined);
  await beforePromotion(b);
  await promote(group, b);
  return { a, b };
}

/** b was promoted and d has followed it; c, which has heard of neither, is the master on a timeline of the same number. */
export async function partTimelines(
  group: HookGroup,
  { before = async () => {} }: { readonly before?: (d: HookNode) => Promise<void> } = {},
): Promise<{ readonly b: HookNode; readonly c: HookNode; readonly d: HookNode }> {
  const a = await startFirst(group, "a");
  const b = await joinGroup(group, "b");
  const c = await joinGroup(group, "c");
  const d = await joinGroup(group, "d");
  await c.stop("SIGINT");
  await a.stop("SIGINT");
  await before(d);
  await promote(group, b);
  expectSuccess(await d.hook("node_state_change", "PUT", "b", "master"));
  await b.sql("CREATE TABLE only_here AS SELECT 1");
  await waitFor(() => d.sql("SELECT count(*) FROM only_here"), { what: "the table on d" });
  await b.stop("SIGKILL");
  group.setMaster(undefined);
  expectSuccess(await c.hook("pre_start"));
  await becomeReady(c);
  await promote(group, c);
  await c.sql("CREATE TABLE other AS SELECT generate_series(1, 1000)");
  return { b, c, d };
}

/** Writes a table (t0, t1, t2) into each of three files of the log, and removes them where only the archive has to keep them. */
export async function leaveLogToArchive(node: HookNode): Promise<void> {
  let last = "";
  for (let file = 0; file < 3; file += 1) {
    await node.sql(`CREATE TABLE t${file} AS SELECT 1 AS x`);
    last = await node.sql("SELECT pg_walfile_name(pg_switch_wal())");
  }
  await untilArchived(node, last);
  await node.sql("CHECKPOINT");
}

/** Resolves when a file of the log, and what was before it, is in the archive. */
export async function untilArchived(node: HookNode, file: string): Promise<void> {
  await waitFor(async () => (await node.sql("SELECT last_archived_wal FROM pg_stat_archiver")) >= file, {
    what: "the log in the archive",
  });
}
