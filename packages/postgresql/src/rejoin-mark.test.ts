import fs, { existsSync } from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import { join } from "node:path";
import { tempDir } from "@msdha/testkit";
import { expect, test } from "vitest";
import type { HookContext } from "./context.ts";
import { forgetMark, leaveMark, markFile, readMark } from "./rejoin-mark.ts";

function contextIn(folder: string): HookContext {
  const settings = { data: join(folder, "data") };
  return { settings, inParent: <T>(action: () => T) => action() } as unknown as HookContext;
}

/** Runs something and returns the files and folders that are on the disk then, in order. */
function writtenOut(action: () => void): readonly string[] {
  const { fsyncSync } = fs;
  const paths: string[] = [];
  fs.fsyncSync = (file) => {
    paths.push(fs.readlinkSync(`/proc/self/fd/${file}`));
    fsyncSync(file);
  };
  syncBuiltinESMExports();
  try {
    action();
  } finally {
    fs.fsyncSync = fsyncSync;
    syncBuiltinESMExports();
  }
  return paths;
}

test("a mark that is forgotten is gone from the disk, too", async () => {
  await using folder = tempDir();
  const context = contextIn(folder.path);
  leaveMark(context, "parted");
  expect(readMark(context)).toBe("parted");
  expect(writtenOut(() => forgetMark(context))).toEqual([folder.path]);
  expect(existsSync(markFile(context))).toBe(false);
});

test("nothing is written out where there is no mark", async () => {
  await using folder = tempDir();
  expect(writtenOut(() => forgetMark(contextIn(folder.path)))).toEqual([]);
});
