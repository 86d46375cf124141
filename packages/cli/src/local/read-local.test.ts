import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readVariable } from "@msdha/settings/given";
import { afterAll, expect, test } from "vitest";
import { runDirOf } from "./read-local.ts";

const folder = mkdtempSync(join(tmpdir(), "msdha-variable-"));
afterAll(() => rmSync(folder, { recursive: true }));
const file = join(folder, "value");
writeFileSync(file, "/srv/run\n");
const empty = join(folder, "empty");
writeFileSync(empty, "");

test.each<[string, Record<string, string>, string | undefined]>([
  ["by its value", { V: "a" }, "a"],
  ["by a file", { V_FILE: file }, "/srv/run"],
  ["not at all", {}, undefined],
  ["as nothing", { V: "" }, undefined],
  ["by an empty file", { V_FILE: empty }, undefined],
  ["by a file that is not there", { V_FILE: join(folder, "none") }, undefined],
])("reads what is given %s", (_how, environment, value) => {
  expect(readVariable(environment, "V")).toBe(value);
});

test("finds the run folder of the programs beside the command as they do", () => {
  expect(runDirOf({ MSDHA_RUN_DIR_FILE: file })).toBe("/srv/run");
  expect(runDirOf({ MSDHA_RUN_DIR: "/here" })).toBe("/here");
  expect(runDirOf({})).toBe("/run/msdha");
});
