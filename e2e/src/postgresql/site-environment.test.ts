import { chmodSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { tempDir } from "@msdha/testkit";
import { describe, expect, test } from "vitest";
import { createHookGroup } from "./hook-node.ts";
import { becomeReady, expectSuccess, inSync, joinGroup, startFirst, takeConnections } from "./stages.ts";

describe.concurrent("PostgreSQL hooks in an environment of its own ways", () => {
  test("keep nothing of their own inside a PGDATA that ends in a slash", async () => {
    await using group = await createHookGroup({ MSDHA_PG_RECLONE: "yes" });
    await startFirst(group, "a");
    const b = await joinGroup(group, "b");
    await b.stop("SIGINT");
    expectSuccess(await b.hookWith({ PGDATA: `${b.data}/`, MSDHA_REINIT: "1" }, "pre_start"));
    expect(b.folders()).toEqual(["data", expect.stringMatching(/^data\.msdha-old-/), "run"]);
    await becomeReady(b);
  });

  test("make data in a PGDATA that ends in a slash", async () => {
    await using place = tempDir();
    chmodSync(place.path, 0o777);
    await using group = await createHookGroup();
    const a = group.node("a", { PGDATA: `${place.path}/data/` });
    expectSuccess(await a.hook("pre_start"));
    await becomeReady(a);
  });

  test("refuse a PGDATA that does not end in a name", async () => {
    await using group = await createHookGroup();
    const a = group.node("a");
    expect(await a.hookWith({ PGDATA: `${a.data}/..` }, "pre_start")).toEqual({
      exitCode: 1,
      output: `PGDATA: expected a path that ends in a name, got ${a.data}/..`,
    });
  });

  test("clone with a password from a file with the line ends of Windows, and refuse such a variable", async () => {
    await using dir = tempDir();
    const file = join(dir.path, "password");
    writeFileSync(file, "secret\r\n");
    const password = { MSDHA_PG_REPLICATION_PASSWORD: "", MSDHA_PG_REPLICATION_PASSWORD_FILE: file };
    await using group = await createHookGroup(password);
    await startFirst(group, "a");
    await joinGroup(group, "b");
    const c = group.node("c");
    const variable = {
      MSDHA_PG_REPLICATION_PASSWORD: "secret\r",
      MSDHA_PG_REPLICATION_PASSWORD_FILE: undefined,
    };
    expect(await c.hookWith(variable, "pre_start")).toEqual({
      exitCode: 1,
      output: "MSDHA_PG_REPLICATION_PASSWORD: expected one line, got several",
    });
  });

  test("bring a standby back to a server that has no connection left, and says so in Russian", async () => {
    await using group = await createHookGroup({
      LANGUAGE: "ru",
      MSDHA_PG_SYNC: "strict",
      MSDHA_PG_ARGS: "-c lc_messages=C.UTF-8 -c max_connections=20",
    });
    const a = await startFirst(group, "a");
    await expect(a.sql("SELECT 1 / 0")).rejects.toThrow("деление на ноль");
    const b = await joinGroup(group, "b");
    await inSync(group, "sync 1 a b");
    await b.stop("SIGINT");
    await takeConnections(a);
    expectSuccess(await b.hook("pre_start"));
    await becomeReady(b);
  });

  test("do not have the server follow by what the environment says to clients", async () => {
    await using group = await createHookGroup({
      PGPASSWORD: "another",
      PGSSLMODE: "require",
      PGHOSTADDR: "127.0.0.9",
      PGTARGETSESSIONATTRS: "read-only",
    });
    await startFirst(group, "a");
    await joinGroup(group, "b");
  });
});
