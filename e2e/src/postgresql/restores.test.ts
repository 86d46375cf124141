import { existsSync } from "node:fs";
import { join } from "node:path";
import { waitFor } from "@msdha/testkit";
import { describe, expect, test } from "vitest";
import { createHookGroup, type HookGroup } from "./hook-node.ts";
import { backUpWith, openFolder, pgBackRestIn } from "./pgbackrest.ts";
import {
  becomeReady,
  expectSuccess,
  joinGroup,
  killHook,
  logOf,
  promote,
  startFirst,
  untilArchived,
} from "./stages.ts";

/** Stops the real one when it has restored some files: its folder is half of a cluster then. */
const HALF_WAY = `#!/bin/sh
case "$*" in *restore*) ;; *) exec /usr/bin/pgbackrest "$@" ;; esac
/usr/bin/pgbackrest "$@" &
until [ -d "$PGDATA/base" ]; do :; done
kill -STOP $!
sleep 600
`;

describe.concurrent("a new PostgreSQL group that is restored by pgBackRest", () => {
  test("has all data after its restore was cut half way, and a node that started meanwhile clones them", async () => {
    await using place = openFolder();
    const tool = pgBackRestIn(place.path);
    await using group = await createHookGroup(backUpWith(tool));
    await backedUp(group);

    await using other = await createHookGroup({
      MSDHA_PG_INITDB_COMMAND: `${tool} --pg1-path="$PGDATA" restore`,
    });
    other.setProgram("pgbackrest", HALF_WAY);
    const d = other.node("d");
    const e = other.node("e");
    const half = join(d.data, "..", "data.msdha-new", "data");
    const cut = d.hook("pre_start");
    await waitFor(() => existsSync(join(half, "base")), { what: "a restore on its way", timeoutMs: 60_000 });
    const waiting = e.hook("pre_start");
    await waitFor(() => logOf(e).includes("another node initialises them"), { what: "e to wait" });
    expect(existsSync(join(half, "global", "pg_control"))).toBe(false);
    await killHook(d, "pre_start");
    expect((await cut).exitCode).not.toBe(0);
    expect(existsSync(d.data)).toBe(false);
    expect(existsSync(e.data)).toBe(false);

    other.setProgram("pgbackrest", '#!/bin/sh\nexec /usr/bin/pgbackrest "$@"\n');
    expectSuccess(await d.hook("pre_start"));
    await becomeReady(d);
    await promote(other, d);
    expect(await d.sql("SELECT count(*) FROM precious")).toBe("1000");
    expectSuccess(await waiting);
    expect(logOf(e)).toContain("cloning the data of d");
    await becomeReady(e, { master: "d", group: other });
    expect(await e.sql("SELECT count(*) FROM precious")).toBe("1000");
  });

  test("has no data, and says why, with a stanza that is not there; with the right one it has them", async () => {
    await using place = openFolder();
    const tool = pgBackRestIn(place.path);
    await using group = await createHookGroup(backUpWith(tool));
    await backedUp(group);
    await using other = await createHookGroup();
    const d = other.node("d");
    const restoreBy = (command: string) =>
      d.hookWith({ MSDHA_PG_INITDB_COMMAND: `${command} --pg1-path="$PGDATA" restore` }, "pre_start");
    const { exitCode, output } = await restoreBy(pgBackRestIn(place.path, "wrong"));
    expect({ exitCode, output }).toEqual({
      exitCode: 1,
      output: expect.stringMatching(/MSDHA_PG_INITDB_COMMAND ended with exit code \d+: .*\S$/),
    });
    expect(output).toMatch(/no backup set found|unable to load info file/);
    expect(existsSync(d.data)).toBe(false);
    expectSuccess(await restoreBy(tool));
    await becomeReady(d);
    await promote(other, d);
    expect(await d.sql("SELECT count(*) FROM precious")).toBe("1000");
  });
});

test("a PostgreSQL node whose backups are of another cluster takes none of them, with a master and without", async () => {
  await using place = openFolder();
  await using group = await createHookGroup(backUpWith(pgBackRestIn(place.path)));
  await backedUp(group);
  await using other = await createHookGroup();
  const a = await startFirst(other, "a");
  const tool = `${pgBackRestIn(place.path)} --pg1-path="$PGDATA"`;
  const wrong = {
    MSDHA_PG_CLONE_COMMAND: `${tool} restore`,
    MSDHA_PG_RESTORE_COMMAND: `${tool} archive-get %f "%p"`,
  };
  const b = await joinGroup(other, "b", wrong);
  expect(logOf(b)).toMatch(/no clone from a backup, so the data of a are cloned: it is of another cluster/);
  await a.sql("CREATE TABLE t AS SELECT 1");
  await waitFor(() => b.sql("SELECT count(*) FROM t").then((rows) => rows === "1"), { what: "the row on b" });

  await Promise.all([a.stop("SIGKILL"), b.stop("SIGKILL")]);
  other.setMaster(undefined);
  other.setValue("postgresql-backup", "2026-11-29T08:00:00Z x");
  const c = other.node("c", wrong);
  const { exitCode, output } = await c.hook("pre_start");
  expect({ exitCode, output }).toEqual({
    exitCode: 1,
    output: expect.stringMatching(/a backup \(MSDHA_PG_CLONE_COMMAND\) belongs to another cluster/),
  });
  expect(existsSync(c.data)).toBe(false);
});

/** Brings up a group with a table in its backup, and ends it. */
async function backedUp(group: HookGroup): Promise<void> {
  const a = await startFirst(group, "a");
  await waitFor(() => group.value("postgresql-backup") !== undefined, {
    what: "a backup",
    timeoutMs: 60_000,
  });
  await a.sql("CREATE TABLE precious AS SELECT generate_series(1, 1000)");
  await untilArchived(a, await a.sql("SELECT pg_walfile_name(pg_switch_wal())"));
  await a.stop("SIGINT");
  group.setMaster(undefined);
}
