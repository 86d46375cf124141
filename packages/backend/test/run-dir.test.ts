import { chmodSync, statSync } from "node:fs";
import { join } from "node:path";
import { openRunFolder } from "@msdha/app";
import { tempDir } from "@msdha/testkit";
import { expect, test } from "vitest";
import { describeOpenRights } from "../src/run-dir.ts";

test("a run folder is made, with the folders above it", async () => {
  await using folder = tempDir();
  const dir = join(folder.path, "a", "b");
  openRunFolder(dir);
  expect(statSync(dir).isDirectory()).toBe(true);
});

test("a run folder that can't be made is refused", () => {
  expect(() => openRunFolder("/proc/msdha")).toThrow(
    /MSDHA_RUN_DIR: expected a folder that can be written to/,
  );
});

test.each([
  [0o700, undefined],
  [0o755, undefined],
  [0o775, /by its group/],
  [0o777, /by everybody/],
  [0o1777, undefined],
])("of a run folder with the mode %o says who else may write", async (mode, expected) => {
  await using folder = tempDir();
  chmodSync(folder.path, mode);
  const problem = describeOpenRights(folder.path);
  if (expected === undefined) expect(problem).toBeUndefined();
  else expect(problem).toMatch(expected);
});
