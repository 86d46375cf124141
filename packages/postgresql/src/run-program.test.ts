import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { runProgram } from "./run-program.ts";

const env = { PATH: process.env["PATH"] };

test("a warning on the standard error is no part of an answer", async () => {
  const warned: string[] = [];
  const script = "echo 'could not change directory to \"/root\"' >&2; echo slot_1";
  const result = await runProgram(["sh", "-c", script], { env, log: (line) => warned.push(line) });
  expect(result).toMatchObject({ code: 0, stdout: "slot_1\n" });
  expect(warned).toEqual(['could not change directory to "/root"']);
});

test("a program runs in a folder that every user may enter, wherever it is called", async () => {
  const folder = mkdtempSync(join(tmpdir(), "msdha-closed-"));
  chmodSync(folder, 0o700);
  const before = process.cwd();
  try {
    process.chdir(folder);
    expect((await runProgram(["pwd"], { env })).stdout).toBe("/\n");
  } finally {
    process.chdir(before);
    rmSync(folder, { recursive: true });
  }
});
