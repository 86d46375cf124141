import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { waitFor } from "@msdha/testkit";
import { describe, expect, test } from "vitest";
import { createHookGroup, type HookNode } from "./hook-node.ts";
import { becomeReady, expectSuccess, joinGroup, promote, startFirst } from "./stages.ts";

describe.concurrent("lock files of a killed server that name a process which is another's by now", () => {
  test("do not keep a standby from starting", async () => {
    await using group = await createHookGroup();
    const a = await startFirst(group, "a");
    const b = await joinGroup(group, "b");
    await b.stop("SIGKILL");
    nameOther(b, a);
    expectSuccess(await b.hook("pre_start"));
    await becomeReady(b);
  });

  test("do not keep a former master from its rewind", async () => {
    await using group = await createHookGroup();
    const a = await startFirst(group, "a");
    const b = await joinGroup(group, "b");
    await a.sql("CREATE TABLE t AS SELECT 1 AS x");
    await waitFor(async () => (await b.sql("SELECT to_regclass('t') IS NULL")) === "f", {
      what: "the table on b",
    });
    await a.stop("SIGKILL");
    group.setMaster(undefined);
    await promote(group, b);
    await b.sql("CHECKPOINT");
    nameOther(a, b);
    const back = await a.hook("pre_start");
    expectSuccess(back);
    expect(back.output).not.toMatch(/can't be recovered/);
    await becomeReady(a);
    expect(await a.sql("SELECT x FROM t")).toBe("1");
  });

  test("do not keep the data of a master that crashed from their recovery, where there is no other", async () => {
    await using group = await createHookGroup();
    const a = await startFirst(group, "a");
    const b = await joinGroup(group, "b");
    await a.stop("SIGKILL");
    group.setMaster(undefined);
    nameOther(a, b);
    const back = await a.hook("pre_start");
    expect(back).toEqual({
      exitCode: 0,
      output: "the server was the master and crashed, and there is no other: recovering its data first",
    });
    await becomeReady(a);
  });
});

/** Has the lock files of a node's data and socket name the server of another node. */
function nameOther(node: HookNode, other: HookNode): void {
  const pid = readFileSync(join(other.data, "postmaster.pid"), "utf8").split("\n", 1)[0] ?? "";
  const sockets = join(node.runDir, "postgresql");
  const socketLock = readdirSync(sockets).find((name) => name.endsWith(".lock")) ?? "";
  for (const lock of [join(node.data, "postmaster.pid"), join(sockets, socketLock)]) {
    writeFileSync(lock, readFileSync(lock, "utf8").replace(/^\d+/, pid));
  }
}
