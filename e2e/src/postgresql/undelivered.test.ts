import { execFileSync } from "node:child_process";
import { chmodSync } from "node:fs";
import { join } from "node:path";
import { tempDir, waitFor } from "@msdha/testkit";
import { describe, expect, test } from "vitest";
import { createHookGroup, type HookGroup, type HookNode } from "./hook-node.ts";
import { becomeReady, expectSuccess, joinGroup, leaveLogToArchive, logOf, startFirst } from "./stages.ts";

describe.concurrent("a PostgreSQL standby that lacks log which the master has removed, with an archive of its own", () => {
  test("is cloned anew where that is allowed, as its archive does not deliver the log", async () => {
    await using place = openFolder();
    await using group = await createHookGroup({ ...SETTINGS, MSDHA_PG_RECLONE: "yes" });
    const b = await standbyThatMissed(group, place.path);
    const ended = await b.hook("running_not_ready");
    expect(ended.exitCode).toBe(1);
    expect(ended.output).toMatch(/a has removed log that this standby still needs/);
    await b.stop("SIGINT");
    expectSuccess(await b.hook("pre_start"));
    await becomeReady(b);
    expect(await b.sql("SELECT x FROM t2")).toBe("1");
    expect(b.folders()).toEqual(["data", expect.stringMatching(/^data\.msdha-old-/), "run"]);
  });

  test("goes on waiting where it is not, says so once, and is ready when the archive delivers the log", async () => {
    await using place = openFolder();
    await using group = await createHookGroup(SETTINGS);
    const b = await standbyThatMissed(group, place.path);
    const ready = b.hook("running_not_ready");
    const line =
      /has removed log that this standby still needs, and the archive has not delivered it for 5 s/g;
    await waitFor(() => line.test(logOf(b)), { what: "the log to say that it waits", timeoutMs: 60_000 });
    execFileSync("cp", ["-a", `${place.path}/a/wal/.`, `${place.path}/b/wal`]);
    expectSuccess(await ready);
    expect(logOf(b).match(line)).toHaveLength(1);
    expect(await b.sql("SELECT x FROM t2")).toBe("1");
  });
});

const SETTINGS = { MSDHA_PG_WAL_KEEP: "0", MSDHA_PG_SLOT_KEEP: "0", MSDHA_PG_STREAM_PATIENCE: "2" };

/** Returns b, whose server has started and asks for log that only a's archive still has. */
async function standbyThatMissed(group: HookGroup, place: string): Promise<HookNode> {
  for (const name of ["a", "b"]) group.node(name, { MSDHA_PG_ARCHIVE: join(place, name) });
  const a = await startFirst(group, "a");
  const b = await joinGroup(group, "b");
  await b.stop("SIGINT");
  await leaveLogToArchive(a);
  expectSuccess(await b.hook("pre_start"));
  b.start();
  return b;
}

function openFolder(): ReturnType<typeof tempDir> {
  const place = tempDir();
  chmodSync(place.path, 0o777);
  return place;
}
