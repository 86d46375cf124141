import { chmodSync, existsSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { tempDir, waitFor } from "@msdha/testkit";
import { describe, expect, test } from "vitest";
import { createHookGroup, type HookGroup } from "./hook-node.ts";
import { becomeReady, expectSuccess, joinGroup, logOf, promote, startFirst } from "./stages.ts";

describe.concurrent("a base backup of a PostgreSQL master", () => {
  test("leaves the alive hook its answers, however long the archive takes to remove and to write out", async () => {
    await using place = tempDir();
    chmodSync(place.path, 0o777);
    const archive = join(place.path, "archive");
    await using group = await createHookGroup({ MSDHA_PG_ARCHIVE: archive });
    const a = group.node("a");
    expectSuccess(await a.hook("pre_start"));
    await becomeReady(a);
    using rm = holdProgram(group, place.path, "rm", "*/base/*");
    using sync = holdProgram(group, place.path, "sync", "-f*");
    await promote(group, a);
    for (const program of [rm, sync]) {
      await waitFor(program.isHeld, { what: "the backup to come to a program that takes long" });
      expect(await a.hookWith({ MSDHA_STATE: "master" }, "alive")).toEqual({ exitCode: 0, output: "" });
      program[Symbol.dispose]();
    }
    await waitFor(() => logOf(a).includes("made the base backup "), {
      what: "the backup",
      timeoutMs: 60_000,
    });
  });
});

test("a promotion that waits for an archive which does not answer says so", async () => {
  await using place = tempDir();
  chmodSync(place.path, 0o777);
  const hold = join(place.path, "hold");
  await using group = await createHookGroup({
    MSDHA_PG_RESTORE_COMMAND: `while [ -e ${hold} ]; do sleep 0.05; done; false %p %f`,
  });
  const a = await startFirst(group, "a");
  const b = await joinGroup(group, "b");
  writeFileSync(hold, "");
  await a.stop("SIGKILL");
  group.setMaster("b");
  const promoted = b.hook("master");
  await waitFor(
    () =>
      /the server is not promoted after \d+ s: it waits for its restore_command, which does not end/.test(
        logOf(b),
      ),
    { what: "the line of the hook" },
  );
  rmSync(hold);
  expectSuccess(await promoted);
  expect(await b.sql("SELECT pg_is_in_recovery()")).toBe("f");
});

/** Has a program with such arguments go on only when this is disposed of. */
function holdProgram(
  group: HookGroup,
  folder: string,
  name: string,
  args: string,
): Disposable & { readonly isHeld: () => boolean } {
  const hold = join(folder, `hold-${name}`);
  const held = join(folder, `held-${name}`);
  writeFileSync(hold, "");
  group.setProgram(
    name,
    `#!/bin/sh
case "$*" in ${args}) : >>"${held}"; while [ -e "${hold}" ]; do sleep 0.05; done ;; esac
PATH=/usr/bin:/bin; exec ${name} "$@"\n`,
  );
  return {
    isHeld: () => existsSync(held),
    [Symbol.dispose]: () => rmSync(hold, { force: true }),
  };
}
