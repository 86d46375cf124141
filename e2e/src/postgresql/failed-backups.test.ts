import { chmodSync, chownSync, mkdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { tempDir, waitFor } from "@msdha/testkit";
import { describe, expect, test } from "vitest";
import { createHookGroup, type HookNode } from "./hook-node.ts";
import { mountSmall } from "./small-disk.ts";
import { becomeReady, expectSuccess, logOf, startFirst } from "./stages.ts";

describe.concurrent("the log says why a base backup failed", () => {
  test("when the data have a tablespace outside of them", async () => {
    await using place = tempDir();
    chmodSync(place.path, 0o777);
    await using group = await createHookGroup({
      MSDHA_PG_ARCHIVE: join(place.path, "archive"),
      MSDHA_PG_BACKUP_INTERVAL: "1",
    });
    const a = await startFirst(group, "a");
    await waitFor(() => logOf(a).includes("made the base backup "), {
      what: "the first backup",
      timeoutMs: 60_000,
    });
    const folder = join(place.path, "space");
    mkdirSync(folder);
    const { uid, gid } = statSync(a.data);
    chownSync(folder, uid, gid);
    await a.sql(`CREATE TABLESPACE elsewhere LOCATION '${folder}'`);
    expect(await failureOf(a)).toMatch(
      /^MSDHA_PG_ARCHIVE can't hold tablespaces outside .* \(elsewhere\): use a backup tool/,
    );
  });

  test.skipIf(process.getuid?.() !== 0)("when the archive has no room", async () => {
    await using place = tempDir();
    chmodSync(place.path, 0o777);
    using disk = mountSmall(join(place.path, "small"), "10m");
    await using group = await createHookGroup({ MSDHA_PG_ARCHIVE: join(disk.path, "archive") });
    const a = group.node("a");
    expectSuccess(await a.hook("pre_start"));
    await becomeReady(a);
    group.setMaster("a");
    expectSuccess(await a.hook("master"));
    expect(await failureOf(a)).toMatch(/No space left on device/);
  });
});

/** Backups are made while the `alive` hook of a master is run. */
async function failureOf(master: HookNode): Promise<string> {
  const failed = /the base backup failed and will be tried again in 1 min: (.*)/;
  await waitFor(
    async () => {
      expectSuccess(await master.hookWith({ MSDHA_STATE: "master" }, "alive"));
      return failed.test(logOf(master));
    },
    { what: "a backup that failed", intervalMs: 500, timeoutMs: 60_000 },
  );
  return failed.exec(logOf(master))?.[1] ?? "";
}
