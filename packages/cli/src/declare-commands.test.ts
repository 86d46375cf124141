import { expect, test } from "vitest";
import type { Context } from "./context.ts";
import { exitCodes } from "./exit-codes.ts";
import { runMsdha } from "./run-msdha.ts";

/** What a command line prints that needs no etcd. */
async function print(...argv: readonly string[]): Promise<string> {
  let printed = "";
  const context: Context = {
    environment: {},
    write: (text) => {
      printed += text;
    },
    writeNote: () => {},
    terminal: { isTerminal: false, width: 80, isColourful: false },
    confirm: undefined,
    now: Date.now,
    signal: new AbortController().signal,
  };
  expect(await runMsdha(argv, context)).toBe(exitCodes.done);
  return printed;
}

test("shows how long a command waits as it is written on the command line", async () => {
  for (const [command, usual] of [
    ["switchover", "2m"],
    ["restart", "10m"],
    ["reinit", "1h"],
    ["promote", "2m"],
  ] as const)
    expect(await print(command, "--help")).toMatch(
      new RegExp(`--timeout <time>[^]*\\(default:\\s+${usual}\\)`),
    );
});

test("help says of a command what its --help says", async () => {
  expect(await print("help", "hold")).toBe(await print("hold", "--help"));
  expect(await print("help")).toBe(await print("--help"));
});
