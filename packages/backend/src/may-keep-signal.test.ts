import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { tempDir } from "@msdha/testkit";
import { expect, test } from "vitest";
import { mayKeepSignal } from "./may-keep-signal.ts";

const TERM = "0000000000004000";
const NONE = "0000000000000000";

test.each([
  ["a shell script", ["/bin/sh", "/usr/bin/mysqld_safe"], NONE, true],
  ["a login shell", ["-bash"], NONE, true],
  ["a program that ignores the signal", ["/usr/bin/perl", "wrapper"], TERM, true],
  ["a program that ignores another one", ["/usr/bin/perl", "wrapper"], "0000000000000002", false],
  ["a server", ["/usr/lib/postgresql/15/bin/postgres", "-D", "/data"], NONE, false],
  ["a server whose name begins like a shell's", ["/usr/bin/shore"], NONE, false],
])("%s", async (_, cmdline, ignored, expected) => {
  await using proc = tempDir();
  mkdirSync(join(proc.path, "7"));
  writeFileSync(join(proc.path, "7", "cmdline"), `${cmdline.join("\0")}\0`);
  writeFileSync(join(proc.path, "7", "status"), `Name:\tx\nSigBlk:\t${TERM}\nSigIgn:\t${ignored}\n`);
  expect(mayKeepSignal(7, "SIGTERM", proc.path)).toBe(expected);
});

test("a process that has ended keeps nothing", async () => {
  await using proc = tempDir();
  expect(mayKeepSignal(7, "SIGTERM", proc.path)).toBe(false);
});
