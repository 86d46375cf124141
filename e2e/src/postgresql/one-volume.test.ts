import { closeSync, existsSync, openSync, truncateSync } from "node:fs";
import { join } from "node:path";
import { waitFor } from "@msdha/testkit";
import { expect, test } from "vitest";
import { createHookGroup } from "./hook-node.ts";
import { becomeReady, expectSuccess, startFirst } from "./stages.ts";

test("a second PostgreSQL node does not clone into a volume into which another one clones", async () => {
  await using group = await createHookGroup();
  const a = await startFirst(group, "a");
  // A hole that is read as zeros: so much to send takes more than ten seconds at this rate.
  const ballast = join(a.data, "ballast");
  closeSync(openSync(ballast, "w", 0o644));
  truncateSync(ballast, 2 ** 26);
  const b = group.node("b");
  const same = group.node("c", { PGDATA: b.data });
  const cloning = b.hookWith({ MSDHA_PG_CLONE_MAX_RATE: "6M" }, "pre_start");
  await waitFor(() => existsSync(`${b.data}.msdha-new/data`), { what: "a clone on its way" });
  expect(await same.hook("pre_start")).toEqual({
    exitCode: 1,
    output: `PGDATA: another node prepares ${b.data}: do two nodes have the same volume?`,
  });
  const cloned = await cloning;
  expectSuccess(cloned);
  expect(cloned.output).not.toMatch(/failed/);
  expect(b.folders()).toEqual(["data", "run"]);
  await becomeReady(b);
});
