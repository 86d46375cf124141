import { readFileSync } from "node:fs";
import { Command } from "commander";
import { expect, test } from "vitest";
import type { Context } from "./context.ts";
import { declareCommands } from "./declare-commands.ts";
import { exitCodes } from "./exit-codes.ts";
import { runMsdha } from "./run-msdha.ts";

function createContext(write: (text: string) => void): Context {
  return {
    environment: {},
    write,
    writeNote: () => {},
    terminal: { isTerminal: false, width: 80, isColourful: false },
    confirm: undefined,
    now: Date.now,
    signal: new AbortController().signal,
  };
}

/** What a command line prints that needs no etcd. */
async function print(...argv: readonly string[]): Promise<string> {
  let printed = "";
  const context = createContext((text) => {
    printed += text;
  });
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

/** The commands of each option in the README's table of options; undefined: every command has it. */
function readOptionTable(): ReadonlyMap<string, readonly string[] | undefined> {
  const readme = readFileSync(new URL("../README.md", import.meta.url), "utf8");
  const [, table = ""] = /^## Options\n([\s\S]*?)(?=^## )/m.exec(readme) ?? [];
  const rows = [...table.matchAll(/^\| [^|]*`(--[a-z-]+)[^|]*\|([^|]*)\|/gm)];
  return new Map(
    rows.map(([, option = "", of = ""]) => [
      option,
      of.includes("every command") ? undefined : [...of.matchAll(/`(\w+)`/g)].map(([, name = ""]) => name),
    ]),
  );
}

test("the README has every option of every command, and no other", () => {
  const program = new Command("msdha");
  declareCommands(
    program,
    createContext(() => {}),
    () => {},
  );
  const documented = readOptionTable();
  const declared = new Map<string, string[]>();
  for (const command of program.commands) {
    for (const { long } of command.options) {
      if (long) declared.set(long, [...(declared.get(long) ?? []), command.name()]);
    }
  }
  const some = [...documented].filter(([, of]) => of !== undefined);
  for (const [option, of] of some)
    expect([option, of?.toSorted()]).toEqual([option, declared.get(option)?.sort()]);
  expect([...documented.keys()].sort()).toEqual(["--endpoints", "--group", ...declared.keys()].sort());
});
