import { execFileSync } from "node:child_process";
import { chmodSync, chownSync, mkdirSync, readdirSync, renameSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { waitFor } from "@msdha/testkit";
import { describe, expect, test } from "vitest";
import { createHookGroup, type HookNode } from "./hook-node.ts";
import { becomeReady, expectSuccess, joinGroup, promote, startFirst } from "./stages.ts";

describe.skipIf(process.getuid?.() !== 0)("a volume of the official PostgreSQL image", () => {
  test("is refused as it is, and taken into a group when its data are where they belong", async () => {
    await using group = await createHookGroup();
    const volume = join(dirname(dirname(group.node("other").data)), "volume");
    const data = join(volume, "pgdata");
    await makeVolume(volume);
    const a = group.node("a", { PGDATA: data });
    const refused = await a.hook("pre_start");
    expect(refused.exitCode).toBe(1);
    expect(refused.output).toMatch(
      /itself holds PostgreSQL's data.* To take them into use, move what is in it into /,
    );

    // What the page says.
    const names = readdirSync(volume);
    mkdirSync(data, { mode: 0o700 });
    const { uid, gid } = statSync(join(volume, "PG_VERSION"));
    chownSync(data, uid, gid);
    for (const name of names) renameSync(join(volume, name), join(data, name));

    expect(await a.hook("pre_start")).toEqual({
      exitCode: 0,
      output: `taking the data in ${data} into the group: access for replicator`,
    });
    await becomeReady(a);
    await promote(group, a);
    expect(await a.sql("SELECT x FROM of_before")).toBe("1");
    const b = await joinGroup(group, "b");
    expect(await b.sql("SELECT x FROM of_before")).toBe("1");
    // A former master can be rewound, which needs more rights than to stream.
    await a.stop("SIGKILL");
    await b.sql("SELECT 1");
    group.setMaster(undefined);
    await promote(group, b);
    expect((await a.hook("pre_start")).output).toMatch(/pg_rewind/);
    await becomeReady(a);
    await b.sql("INSERT INTO of_before VALUES (2)");
    await waitFor(async () => (await a.sql("SELECT max(x) FROM of_before")) === "2", {
      what: "the row on a",
    });
  });

  test("is changed by one node only, and refused when it is a standby's", async () => {
    await using group = await createHookGroup();
    const a = group.node("a");
    await makeVolume(a.data);
    const b = group.node("b");
    execFileSync("cp", ["-a", a.data, b.data]);
    expect((await a.hook("pre_start")).output).toMatch(/^taking the data/);
    expect((await b.hook("pre_start")).output).toBe(
      "the group's data are those of a: these are used as a copy of them",
    );
    await becomeReady(a);
    await promote(group, a);
    b.start();
    expectSuccess(await b.hook("running_not_ready"));
    expect(await a.sql("SELECT application_name FROM pg_stat_replication")).toBe("b");

    await using other = await createHookGroup();
    const c = other.node("c");
    await makeVolume(c.data);
    writeFileSync(join(c.data, "standby.signal"), "");
    expect(await c.hook("pre_start")).toEqual({
      exitCode: 1,
      output: `PGDATA: ${c.data} has a standby.signal: expected data of a primary that was shut down, to take them into the group`,
    });
  });
});

describe.skipIf(process.getuid?.() !== 0)("data of a PostgreSQL server that is not of a group", () => {
  test("are refused where it was not shut down, and keep the log that it has not archived", async () => {
    await using group = await createHookGroup();
    const a = group.node("a");
    await makeVolume(a.data);
    const settings = [
      "archive_mode = on",
      "archive_command = 'false'",
      "max_wal_size = 32MB",
      "min_wal_size = 32MB",
    ];
    writeFileSync(join(a.data, "postgresql.conf"), `\n${settings.join("\n")}\n`, { flag: "a" });
    chmodSync(a.runDir, 0o777);
    asPostgres(`${programs()}/pg_ctl -D ${a.data} -w -o "-k ${a.runDir} -h ''" start`);
    for (let file = 0; file < 6; file += 1) {
      asPostgres(
        `psql -h ${a.runDir} -U postgres -c "SELECT pg_logical_emit_message(false, '', ''), pg_switch_wal()"`,
      );
    }
    const refused = await a.hook("pre_start");
    expect(refused.exitCode).toBe(1);
    expect(refused.output).toMatch(
      /^PGDATA: the server of \S+ was not shut down \(in production\), or still runs: expected/,
    );
    asPostgres(`${programs()}/pg_ctl -D ${a.data} -w -m fast stop`);
    const before = unarchived(a.data);
    expect(before.length).toBeGreaterThan(4);
    expectSuccess(await a.hook("pre_start"));
    const files = readdirSync(join(a.data, "pg_wal"));
    expect(before.filter((name) => !files.includes(name))).toEqual([]);
    await becomeReady(a);
    await promote(group, a);
  });
});

describe.concurrent("max_connections of a PostgreSQL group", () => {
  test("is raised on the standbys first: the other order pauses their replay, and they are no candidates", async () => {
    await using group = await createHookGroup();
    const a = await startFirst(group, "a");
    const b = await joinGroup(group, "b");
    await a.stop("SIGINT");
    group.setMaster(undefined);
    await restartWith(a, 200);
    await promote(group, a);
    await waitFor(
      async () => {
        // It asks for its slot again.
        await b.hookWith({ MSDHA_STATE: "ready" }, "alive");
        return (await b.sql("SELECT pg_is_wal_replay_paused()")) === "t";
      },
      { what: "b to pause", intervalMs: 500 },
    );
    expect((await b.hook("candidate")).output).toMatch(
      /^the replay of the log is paused .*lower than the master's/,
    );
    // The way out: raise it there too.
    await b.stop("SIGINT");
    await restartWith(b, 200);
    expect(await b.sql("SHOW max_connections")).toBe("200");
    await waitFor(async () => (await b.sql("SELECT pg_is_wal_replay_paused()")) === "f", {
      what: "b to go on",
    });
  });
});

/** What the page has one put into postgresql.conf. */
async function restartWith(node: HookNode, maxConnections: number): Promise<void> {
  writeFileSync(join(node.data, "postgresql.conf"), `\nmax_connections = ${maxConnections}\n`, { flag: "a" });
  expectSuccess(await node.hook("pre_start"));
  await becomeReady(node);
}

/** A cluster that no node ever had, with a table. */
async function makeVolume(folder: string): Promise<void> {
  const bin = programs();
  mkdirSync(folder);
  execFileSync("chown", ["postgres", folder]);
  asPostgres(`${bin}/initdb -D ${folder} -U postgres --auth-local=trust --auth-host=scram-sha-256`);
  asPostgres(
    `echo 'CREATE TABLE of_before AS SELECT 1 AS x' | ${bin}/postgres --single -D ${folder} postgres`,
  );
}

function programs(): string {
  return join("/usr/lib/postgresql", readdirSync("/usr/lib/postgresql").sort().at(-1) ?? "", "bin");
}

function asPostgres(command: string): void {
  execFileSync("setpriv", ["--reuid=postgres", "--regid=postgres", "--init-groups", "sh", "-c", command], {
    stdio: "ignore",
    cwd: "/",
  });
}

/** The files of the log that wait to be archived. */
function unarchived(data: string): readonly string[] {
  return readdirSync(join(data, "pg_wal/archive_status"))
    .filter((name) => /^[0-9A-F]{24}\.ready$/.test(name))
    .map((name) => name.replace(".ready", ""));
}
