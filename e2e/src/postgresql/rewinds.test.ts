import {
  chmodSync,
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { waitFor } from "@msdha/testkit";
import { expect, test } from "vitest";
import { createHookGroup, type HookGroup, type HookNode } from "./hook-node.ts";
import {
  becomeReady,
  expectSuccess,
  hookProcesses,
  joinGroup,
  killHook,
  logOf,
  partNodes,
  promote,
  signalHelper,
  startFirst,
} from "./stages.ts";

const PROGRAMS = join("/usr/lib/postgresql", readdirSync("/usr/lib/postgresql").sort().at(-1) ?? "", "bin");

test("a former master that was killed when its rewind was done, and on its way to the disk, needs no clone", async () => {
  await using group = await createHookGroup();
  const { a, b } = await partMaster(group);
  // As of a master whose commits wait: it says of its own data only that they are that master's.
  writeFileSync(join(b.data, "msdha.master"), "b 1\n", { mode: 0o644 });
  // The log that it needs is kept before.
  group.setProgram(
    "sync",
    '#!/bin/sh\ncase "$*" in *--help* | *msdha-new*) exec /bin/sync "$@" ;; esac\nexec sleep 600\n',
  );
  const cut = a.hook("pre_start");
  await waitFor(() => logOf(a).includes("pg_rewind: Done!"), { what: "pg_rewind to be done" });
  await waitFor(() => hookProcesses(a, "pre_start").length > 0, { what: "the hook" });
  await killHook(a, "pre_start");
  expect((await cut).exitCode).not.toBe(0);
  group.setProgram("sync", '#!/bin/sh\nexec /bin/sync "$@"\n');

  const back = await a.hook("pre_start");
  expectSuccess(back);
  expect(existsSync(join(a.data, "msdha.master"))).toBe(false);
  await becomeReady(a);
  expect(await a.sql("SELECT to_regclass('only_here') IS NULL")).toBe("t");
  await b.sql("INSERT INTO t VALUES (1001)");
  await waitFor(async () => (await a.sql("SELECT count(*) FROM t")) === "1001", { what: "the rows on a" });
});

test("a former master that was killed when its rewind was done, before that was noted, needs no clone", async () => {
  await using group = await createHookGroup();
  const { a } = await partMaster(group);
  const pg_rewind = `#!/bin/sh
${PROGRAMS}/pg_rewind "$@" || exit
case " $* " in *" --dry-run "*) ;; *) exec sleep 600 ;; esac
`;
  const cut = a.hookWith(programs(a, { pg_rewind }), "pre_start");
  await waitFor(() => hookProcesses(a, "pre_start").some(runs("sleep")), { what: "pg_rewind to be done" });
  await killHook(a, "pre_start");
  expect((await cut).exitCode).not.toBe(0);
  expectSuccess(await a.hook("pre_start"));
  await becomeReady(a);
  expect(await a.sql("SELECT to_regclass('only_here') IS NULL")).toBe("t");
  expect(await a.sql("SELECT count(*) FROM t")).toBe("1000");
  expect(a.folders()).toEqual(["data", "run"]);
});

test("a former master says what it waits for where the new one is not promoted yet", async () => {
  await using group = await createHookGroup();
  const a = await startFirst(group, "a");
  const b = await joinGroup(group, "b");
  await a.stop("SIGKILL");
  group.setMaster("b");
  const waiting = a.hook("pre_start");
  await waitFor(
    () => /^waiting for b .* has not finished the first checkpoint after its promotion$/m.test(logOf(a)),
    {
      what: "the line of the former master",
    },
  );
  await promote(group, b);
  await b.sql("CHECKPOINT");
  expectSuccess(await waiting);
  expect(logOf(a).match(/^waiting for b/gm)).toHaveLength(1);
});

test("a standby that was killed before its log was recovered for a rewind is started as it is, where there is no master", async () => {
  await using group = await createHookGroup();
  const { c } = await partStandby(group);
  const cut = c.hookWith(programs(c, { postgres: hangWith("--single") }), "pre_start");
  await waitFor(() => hookProcesses(c, "pre_start").some(runs("sleep")), { what: "the recovery to begin" });
  await killHook(c, "pre_start");
  expect((await cut).exitCode).not.toBe(0);

  group.setMaster(undefined);
  const start = await c.hook("pre_start");
  expectSuccess(start);
  expect(start.output).not.toMatch(/waiting for a master/);
  await becomeReady(c);
  expect(await c.sql("SELECT count(*) FROM not_on_b")).toBe("1");
  await c.stop("SIGINT");
  group.setMaster("b");
  expect((await c.hook("pre_start")).output).toMatch(/pg_rewind: Done!/);
  await becomeReady(c);
});

test("a standby that was killed after its log was recovered for a rewind waits for a master, and needs no clone", async () => {
  await using group = await createHookGroup();
  const { c } = await partStandby(group);
  const cut = c.hookWith(programs(c, { pg_rewind: hangWith("--dry-run") }), "pre_start");
  await waitFor(() => hookProcesses(c, "pre_start").some(runs("sleep")), { what: "the trial of the rewind" });
  await killHook(c, "pre_start");
  expect((await cut).exitCode).not.toBe(0);

  group.setMaster(undefined);
  const waiting = c.hook("pre_start");
  await waitFor(
    () => logOf(c).includes("waiting for a master: a rewind was cut that had recovered the log"),
    {
      what: "the hook to wait",
    },
  );
  group.setMaster("b");
  const back = await waiting;
  expectSuccess(back);
  expect(back.output).toMatch(/pg_rewind: Done!/);
  await becomeReady(c);
});

test("a rewind whose connection breaks is made again, and costs no clone", async () => {
  await using group = await createHookGroup({ MSDHA_PG_RECLONE: "yes" });
  const { a, b } = await partMaster(group);
  const ballast = addBallast(b);
  const rewinding = a.hook("pre_start");
  await breakRewind(a, b, ballast);
  const back = await rewinding;
  expectSuccess(back);
  expect(back.output).toMatch(
    /^the rewind failed and will be tried again in 0\.5 s: .*(terminating|closed the) connection/m,
  );
  expect(back.output).toMatch(/pg_rewind: Done!/);
  expect(a.folders()).toEqual(["data", "run"]);
  await becomeReady(a);
  expect(await a.sql("SELECT count(*) FROM t")).toBe("1000");
});

test("data that a rewind has begun to change are not started when it fails and its master is gone", async () => {
  await using group = await createHookGroup({ MSDHA_PG_RECLONE: "yes" });
  const { a, b } = await partMaster(group);
  const ballast = addBallast(b);
  const rewinding = a.hook("pre_start");
  await breakRewind(a, b, ballast, () => group.setMaster(undefined));
  await waitFor(() => logOf(a).includes("waiting for a master: an earlier pg_rewind was cut halfway"), {
    what: "the hook to wait",
  });
  group.setMaster("b");
  expectSuccess(await rewinding);
  await becomeReady(a);
  expect(await a.sql("SELECT count(*) FROM t")).toBe("1000");
});

test("a rewind that fails for an unknown reason is tried again for a while before the data are cloned anew", async () => {
  await using group = await createHookGroup({ MSDHA_PG_RECLONE: "yes" });
  const { a } = await partMaster(group);
  const failing = { pg_rewind: '#!/bin/sh\necho "pg_rewind: error: something else" >&2\nexit 1\n' };
  const back = await a.hookWith(programs(a, failing), "pre_start");
  expectSuccess(back);
  expect(
    back.output.match(/^the rewind failed and will be tried again in .* s: something else$/gm),
  ).toHaveLength(4);
  expect(back.output).toMatch(/^pg_rewind can't make the data fit the history of b: something else$/m);
  await becomeReady(a);
  expect(a.folders()).toEqual(["data", expect.stringMatching(/^data\.msdha-old-/), "run"]);
});

test("a rewind is made without the log that it would keep where there is room only for the rewind", async () => {
  await using group = await createHookGroup();
  const { a } = await partMaster(group);
  const full = `case "$*" in *msdha-new*) echo "cp: error writing: No space left on device" >&2; exit 1 ;; esac`;
  group.setProgram("cp", `#!/bin/sh\n${full}\nexec /bin/cp "$@"\n`);
  const back = await a.hook("pre_start");
  expectSuccess(back);
  expect(back.output).toMatch(/^there is no room to keep the log that this rewind needs: if it is cut, /m);
  expect(back.output).toMatch(/pg_rewind: Done!/);
  expect(a.folders()).toEqual(["data", "run"]);
  await becomeReady(a);
  expect(await a.sql("SELECT count(*) FROM t")).toBe("1000");
});

test("a folder of somebody else in the place of the temporary one is left as it is", async () => {
  await using group = await createHookGroup();
  const { a } = await partMaster(group);
  const folder = `${a.data}.msdha-new`;
  mkdirSync(join(folder, "rewind-log"), { recursive: true });
  const refused = await a.hook("pre_start");
  expect(refused.exitCode).toBe(1);
  expect(refused.output.split("\n").at(-1)).toBe(`PGDATA: ${folder} is in the way and not ours`);
  expect(readdirSync(folder)).toEqual(["rewind-log"]);
  rmSync(folder, { recursive: true });
  expectSuccess(await a.hook("pre_start"));
});

test("no second node works in data that are being rewound, also when the helper of the first one is killed", async () => {
  await using group = await createHookGroup();
  const { a } = await partMaster(group);
  const same = group.node("c", { PGDATA: a.data });
  const cut = a.hookWith(programs(a, { pg_rewind: hangWith("--dry-run") }), "pre_start");
  await waitFor(() => hookProcesses(a, "pre_start").some(runs("sleep")), { what: "the trial of the rewind" });
  const refused = {
    exitCode: 1,
    output: `PGDATA: another server works in ${a.data}: do two nodes have the same volume?`,
  };
  expect(await same.hook("pre_start")).toEqual(refused);
  signalHelper(a, "SIGKILL");
  expect((await cut).exitCode).not.toBe(0);
  expect(await same.hook("pre_start")).toEqual(refused);

  await killHook(a, "pre_start");
  expectSuccess(await a.hook("pre_start"));
  await becomeReady(a);
  expect(await a.sql("SELECT count(*) FROM t")).toBe("1000");
});

test("a rewind that was cut is not gone on with when the master is on another timeline by then", async () => {
  await using group = await createHookGroup({ MSDHA_PG_RECLONE: "yes" });
  const { a, b } = await partMaster(group);
  const pg_rewind = `#!/bin/sh
case " $* " in *" --dry-run "*) exec ${PROGRAMS}/pg_rewind "$@" ;; esac
exec sleep 600
`;
  const cut = a.hookWith(programs(a, { pg_rewind }), "pre_start");
  await waitFor(() => markOf(a).startsWith("rewinding "), { what: "a rewind on its way" });
  await killHook(a, "pre_start");
  await cut;
  const timeline = await b.sql("SELECT timeline_id FROM pg_control_checkpoint()");
  expect(markOf(a)).toBe(`rewinding ${timeline}`);
  writeFileSync(markFile(a), "rewinding 77\n");
  const back = await a.hook("pre_start");
  expectSuccess(back);
  expect(back.output).toContain(
    `can't go on with a rewind that was begun with timeline 77: the master is on ${timeline}`,
  );
  await becomeReady(a);
  expect(a.folders()).toEqual(["data", expect.stringMatching(/^data\.msdha-old-/), "run"]);
});

test("data whose rewind was done, and may not have reached the disk when the machine failed, are not recovered", async () => {
  await using group = await createHookGroup({ MSDHA_PG_RECLONE: "yes" });
  const { a, b } = await partMaster(group);
  expectSuccess(await a.hook("pre_start"));
  const timeline = await b.sql("SELECT timeline_id FROM pg_control_checkpoint()");
  writeFileSync(markFile(a), `rewound ${"0".repeat(8)} ${timeline}\n`);
  const back = await a.hook("pre_start");
  expectSuccess(back);
  expect(back.output).toContain("target server must be shut down cleanly");
  await becomeReady(a);
  expect(a.folders()).toEqual(["data", expect.stringMatching(/^data\.msdha-old-/), "run"]);
});

test("data that a rewind has changed in part are not taken for an earlier point of the master's history", async () => {
  await using group = await createHookGroup();
  const { a, b } = await partMaster(group);
  expectSuccess(await a.hook("pre_start"));
  await becomeReady(a);
  await a.stop("SIGINT");
  const timeline = await b.sql("SELECT timeline_id FROM pg_control_checkpoint()");
  writeFileSync(markFile(a), `rewinding ${timeline}\n`);
  const refused = await a.hook("pre_start");
  expect(refused.exitCode).toBe(1);
  expect(refused.output).toContain("no rewind required, but they were changed");
  expect(markOf(a)).toBe(`rewinding ${timeline}`);
});

/** The file beside the data that says what the next start has to know of them. */
function markFile({ data }: HookNode): string {
  return `${data}.msdha-rejoin`;
}

function markOf(node: HookNode): string {
  return existsSync(markFile(node)) ? readFileSync(markFile(node), "utf8").trim() : "";
}

/** Holes that are read as zeros: enough to copy for some time. */
function addBallast(node: HookNode): string {
  const ballast = join(node.data, "ballast");
  closeSync(openSync(ballast, "w", 0o644));
  truncateSync(ballast, 2 ** 29);
  return ballast;
}

/** Breaks the connection of a rewind of `a` that has begun to copy from `b`. */
async function breakRewind(
  a: HookNode,
  b: HookNode,
  ballast: string,
  before = (): void => {},
): Promise<void> {
  await waitFor(() => existsSync(join(a.data, "ballast")), { what: "a rewind on its way", intervalMs: 1 });
  const [rewind] = hookProcesses(a, "pre_start").filter(runs("pg_rewind"));
  if (rewind === undefined) throw new Error("expected a rewind on its way, but it is over");
  process.kill(rewind, "SIGSTOP");
  rmSync(ballast);
  before();
  const end = `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE query ~ '^WITH RECURSIVE files|FROM unnest' AND pid <> pg_backend_pid()`;
  await waitFor(async () => (await b.sql(end)) === "t", { what: "the end of its session" });
  process.kill(rewind, "SIGCONT");
}

/** Settings by which a node uses these scripts in the place of PostgreSQL's own programs. */
function programs(
  node: HookNode,
  scripts: Readonly<Record<string, string>>,
): Readonly<Record<string, string>> {
  const folder = join(node.runDir, "programs");
  mkdirSync(folder, { recursive: true });
  for (const name of readdirSync(PROGRAMS)) {
    const script = scripts[name];
    if (script === undefined) symlinkSync(join(PROGRAMS, name), join(folder, name));
    else {
      writeFileSync(join(folder, name), script);
      chmodSync(join(folder, name), 0o755);
    }
  }
  return { MSDHA_PG_BIN: folder };
}

/** A program that hangs where it is called with this option, and else is PostgreSQL's own. */
function hangWith(option: string): string {
  return `#!/bin/sh
case " $* " in *" ${option} "*) exec sleep 600 ;; esac
exec ${PROGRAMS}/"$(basename "$0")" "$@"
`;
}

function runs(program: string): (pid: number) => boolean {
  return (pid) => {
    try {
      return readFileSync(`/proc/${pid}/comm`, "utf8").trim() === program;
    } catch {
      return false; // It has ended.
    }
  };
}

/** The standby c was killed with rows that the new master b lacks, and b knows of that. */
async function partStandby(group: HookGroup): Promise<{ readonly b: HookNode; readonly c: HookNode }> {
  const a = await startFirst(group, "a");
  const b = await joinGroup(group, "b");
  const c = await joinGroup(group, "c");
  await b.stop("SIGINT");
  await a.sql("CREATE TABLE not_on_b AS SELECT 1");
  await waitFor(() => c.sql("SELECT count(*) FROM not_on_b"), { what: "the table on c" });
  await a.stop("SIGKILL");
  await c.stop("SIGKILL");
  writeFileSync(`${c.data}.msdha-rejoin`, "parted\n");
  group.setMaster(undefined);
  expectSuccess(await b.hook("pre_start"));
  await becomeReady(b, { master: undefined, group });
  await promote(group, b);
  await b.sql("CHECKPOINT");
  return { b, c };
}

/** The former master a crashed with rows that nobody else has; b is the master. */
async function partMaster(group: HookGroup): Promise<{ readonly a: HookNode; readonly b: HookNode }> {
  const { a, b } = await partNodes(group, { rows: 10_000 });
  await b.sql("CREATE TABLE t AS SELECT x FROM generate_series(1, 1000) AS a (x)");
  await b.sql("CHECKPOINT");
  return { a, b };
}
