import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { openRunFolder } from "./run-folder.ts";

test("creates the folder and those above it", () => {
  const root = mkdtempSync(join(tmpdir(), "run-"));
  openRunFolder(join(root, "a", "b"));
  openRunFolder(join(root, "a", "b"));
  expect(statSync(join(root, "a", "b")).isDirectory()).toBe(true);
  rmSync(root, { recursive: true });
});

test.each(["/proc/none/run", "/dev/null/run"])("names the variable when %s can't be a folder", (dir) => {
  expect(() => openRunFolder(dir)).toThrow(/^MSDHA_RUN_DIR: expected a folder that can be written to \(E/);
});
