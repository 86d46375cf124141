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

test("a program may write more than there is memory for: its lines are passed on, and the end of it is kept", async () => {
  let lines = 0;
  const script =
    "yes 'restored file base/16384/12345' | head -n 300000; echo the end >&2; echo the end; exit 3";
  const { code, stdout, stderr } = await runProgram(["sh", "-c", script], {
    env,
    log: () => (lines += 1),
    logOutput: true,
  });
  expect({ code, stderr, lines }).toEqual({ code: 3, stderr: "the end\n", lines: 300_002 });
  expect(stdout.slice(-9)).toBe("\nthe end\n");
  expect(stdout.length).toBeLessThan(3_000_000);
});

test("a line that does not end is passed on in pieces", async () => {
  const pieces: number[] = [];
  const script = "head -c 10000000 /dev/zero | tr '\\0' x";
  await runProgram(["sh", "-c", script], { env, log: ({ length }) => pieces.push(length), logOutput: true });
  expect(pieces.reduce((sum, length) => sum + length)).toBe(10_000_000);
  expect(Math.max(...pieces)).toBeLessThan(1_000_000);
});
