import { existsSync, linkSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { tempDir } from "@msdha/testkit";
import { expect, test } from "vitest";
import { removeAutoSettings } from "./recovery-settings.ts";

const account = { act: <T>(action: () => T): T => action() } as Parameters<
  typeof removeAutoSettings
>[0]["account"];

test("settings are removed from a new file, so that a full disk leaves the old one whole", async () => {
  await using folder = tempDir();
  const file = join(folder.path, "postgresql.auto.conf");
  const before = "# Do not edit\nwork_mem = '64MB'\nPrimary_Conninfo = 'host=x'\n";
  writeFileSync(file, before, { mode: 0o600 });
  linkSync(file, join(folder.path, "old"));
  expect(removeAutoSettings({ account }, folder.path, ["primary_conninfo"])).toEqual(["primary_conninfo"]);
  expect(readFileSync(file, "utf8")).toBe("# Do not edit\nwork_mem = '64MB'\n");
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect(readFileSync(join(folder.path, "old"), "utf8")).toBe(before);
});

test("nothing is removed, and no file made, where there is none", async () => {
  await using folder = tempDir();
  expect(removeAutoSettings({ account }, folder.path, ["primary_conninfo"])).toEqual([]);
  expect(existsSync(join(folder.path, "postgresql.auto.conf"))).toBe(false);
});
