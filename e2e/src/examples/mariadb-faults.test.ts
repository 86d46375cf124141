import { chmodSync, existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { waitFor } from "@msdha/testkit";
import { describe, expect, test } from "vitest";
import type { TestNode } from "../support/node.ts";
import { type MariadbGroup, startMariadbGroup } from "./mariadb-group.ts";

describe("the MariaDB example, when something goes wrong", () => {
  test("makes its data anew when it was killed in the middle of copying the master's", async () => {
    await using mariadb = await startMariadbGroup();
    await serving(mariadb);
    // Its copy stops where the table of accounts has just been dropped.
    const programs = join(mariadb.group.dir, "programs");
    const reached = join(mariadb.group.dir, "half-copied");
    mkdirSync(programs);
    writeFileSync(
      join(programs, "mariadb"),
      `#!/bin/sh
case $* in
  *sql_log_bin*) { sed -u '/^DROP TABLE IF EXISTS .global_priv./q'; sleep 1; touch ${reached}; sleep 600; } | /usr/bin/mariadb "$@" ;;
  *) exec /usr/bin/mariadb "$@" ;;
esac
`,
    );
    chmodSync(join(programs, "mariadb"), 0o755);
    const killed = mariadb.start(1, { PATH: `${programs}:${process.env["PATH"]}` });
    await waitFor(() => existsSync(reached), { what: "half a copy", timeoutMs: 60_000 });
    killed.child.send("SIGKILL");
    await killed.exited();
    mariadb.start(1);
    await mariadb.whole();
    expect(await mariadb.query("SELECT n FROM written", 1)).toBe("1");
  }, 180_000);

  test("starts a stopped replication again, and loses nothing in a planned stop meanwhile", async () => {
    await using mariadb = await startMariadbGroup();
    const first = await serving(mariadb);
    const second = mariadb.start(1);
    await mariadb.whole();
    await mariadb.asRoot(1, "STOP SLAVE");
    await mariadb.query("INSERT INTO written VALUES (2)");
    first.stop();
    await first.exited(60_000);
    await mariadb.masterAmong([second]);
    expect(await mariadb.query("SELECT n FROM written ORDER BY n", 1)).toBe("1\n2");
  }, 180_000);

  test("applies what it has received before it stops", async () => {
    await using mariadb = await startMariadbGroup();
    const first = await serving(mariadb);
    const second = mariadb.start(1);
    await mariadb.whole();
    // It has received a row that a lock keeps from its table, and the master is gone.
    await mariadb.asRoot(1, "SET GLOBAL innodb_lock_wait_timeout = 600; SET GLOBAL lock_wait_timeout = 600");
    const lock = mariadb.asRoot(1, "LOCK TABLES app.written READ; SELECT SLEEP(600)").catch(() => "");
    await waitFor(async () => (await mariadb.asRoot(1, "SHOW PROCESSLIST")).includes("SLEEP"), {
      what: "a lock",
    });
    await mariadb.query("INSERT INTO written VALUES (2)", 0);
    const position = (await mariadb.asRoot(0, "SELECT @@gtid_current_pos")).split(",").at(-1) ?? "-";
    await waitFor(async () => (await mariadb.asRoot(1, "SHOW SLAVE STATUS")).includes(position), {
      what: "a row",
    });
    first.child.send("SIGKILL");
    await first.exited();
    second.stop();
    const stopping = async (): Promise<boolean> =>
      (await mariadb.asRoot(
        1,
        "SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE STATE = 'Waiting for master to send event' OR COMMAND = 'Slave_IO'",
      )) === "0";
    await waitFor(stopping, { what: "its pre_stop hook to receive nothing more", timeoutMs: 20_000 });
    const [id = ""] = /^\d+(?=.*SLEEP)/m.exec(await mariadb.asRoot(1, "SHOW PROCESSLIST")) ?? [];
    await mariadb.asRoot(1, `KILL ${id}`);
    await lock;
    await second.exited(60_000);
    mariadb.start(1);
    await mariadb.masterAmong(mariadb.nodes.slice(1));
    expect(await mariadb.query("SELECT n FROM written ORDER BY n", 1)).toBe("1\n2");
  }, 180_000);

  test("promotes no node that lacks what the last master wrote before it was stopped", async () => {
    await using mariadb = await startMariadbGroup();
    const first = await writingAlone(mariadb);
    first.stop();
    await first.exited(60_000);
    const late = mariadb.start(1);
    await late.logged(/the last master was at/, 60_000);
    expect(await mariadb.group.master()).toBeUndefined();
    mariadb.start(0);
    await mariadb.whole();
    expect(await mariadb.query("SELECT n FROM written ORDER BY n", 1)).toBe("1\n2");
  }, 180_000);

  test("promotes no node that was away while the master that crashed was alone", async () => {
    await using mariadb = await startMariadbGroup();
    const first = await writingAlone(mariadb);
    const position = (await mariadb.asRoot(0, "SELECT @@gtid_current_pos")).split("-").at(-1);
    const known = async (): Promise<boolean> =>
      ((await mariadb.group.keys())["_value/end"] ?? "").endsWith(` ${position}`);
    await waitFor(known, { what: "the position of the lonely master", timeoutMs: 60_000 });
    first.child.send("SIGKILL");
    await first.exited();
    const late = mariadb.start(1);
    await late.logged(/the last master was at/, 60_000);
    mariadb.start(0);
    await mariadb.whole();
    expect(await mariadb.query("SELECT n FROM written ORDER BY n", 1)).toBe("1\n2");
  }, 180_000);

  test("copies events, and the position of a master that has written nothing itself", async () => {
    await using mariadb = await startMariadbGroup();
    const first = await serving(mariadb);
    await mariadb.query("CREATE EVENT later ON SCHEDULE EVERY 1 DAY DISABLE DO SELECT 1");
    const second = mariadb.start(1);
    await mariadb.whole();
    const position = await mariadb.asRoot(0, "SELECT @@gtid_current_pos");
    first.stop();
    await first.exited(60_000);
    await mariadb.masterAmong([second]);
    mariadb.start(2);
    await mariadb.group.state("m3", "ready", 60_000);
    expect(await mariadb.asRoot(2, "SELECT @@gtid_current_pos")).toBe(position);
    expect(await mariadb.asRoot(2, "SELECT name FROM mysql.event")).toBe("later");
  }, 180_000);
});

/** Starts the first node, with one row in a table. */
async function serving(mariadb: MariadbGroup): Promise<TestNode> {
  const first = mariadb.start(0);
  await mariadb.masterAmong([first]);
  const statements =
    "CREATE TABLE IF NOT EXISTS written (n INT PRIMARY KEY); REPLACE INTO written VALUES (1)";
  await waitFor(() => mariadb.query(statements).then(() => true), { what: "a write", timeoutMs: 60_000 });
  return first;
}

/** Starts two nodes, and stops the second before the first one, the master, writes another row. */
async function writingAlone(mariadb: MariadbGroup): Promise<TestNode> {
  const first = await serving(mariadb);
  const second = mariadb.start(1);
  await mariadb.whole();
  second.stop();
  await second.exited();
  await mariadb.query("INSERT INTO written VALUES (2)");
  return first;
}
