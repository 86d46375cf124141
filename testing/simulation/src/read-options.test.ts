import { readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { describe, expect, test } from "vitest";
import { faults } from "./faults/all-faults.ts";
import { readOptions, UsageError } from "./read-options.ts";

function read(line: string): ReturnType<typeof readOptions> {
  return readOptions(line.split(" "));
}

describe("the command line", () => {
  test("asks for many seeds, for one, or for all mutations", () => {
    const rest = {
      workers: availableParallelism(),
      mutation: undefined,
      only: undefined,
      faults: faults.length,
    };
    expect(read("--seeds 10 --from 0")).toEqual({ kind: "seeds", batch: { from: 0, count: 10, ...rest } });
    expect(read("--seeds 1 --workers 4")).toMatchObject({ batch: { from: 1, count: 1, workers: 4 } });
    expect(read("--mutations")).toEqual({ kind: "mutations", batch: { from: 1, count: 5_000, ...rest } });
    expect(read("--seed 4711 --mutation noWait --only oneMasterRuns")).toEqual({
      kind: "seed",
      seed: 4_711,
      options: { trace: false, mutation: "noWait", only: "oneMasterRuns", faults: faults.length },
    });
    expect(read("--help")).toEqual({ kind: "help" });
  });

  test.each([
    ["--seeds 0", /^--seeds: expected a whole number from 1 to \d+, got "0"$/],
    ["--seeds many", /^--seeds: expected a whole number .* got "many"$/],
    ["--seeds 10 --workers 0", /^--workers: expected a whole number from 1 to \d+, got "0"$/],
    ["--seeds 10 --workers 99999999", /^--workers: expected a whole number from 1 to \d+, got "99999999"$/],
    ["--seeds 2 --from 4294967295", /^--seeds: expected a whole number from 1 to 1, got "2"$/],
    ["--seed 4294967296", /^--seed: expected a whole number from 0 to 4294967295, got "4294967296"$/],
    ["--seed 1 --only constructor", /^--only: expected one of oneMasterRuns, .* got "constructor"$/],
    ["--seeds 1 --mutation toString", /^--mutation: expected one of .*noWait, .* got "toString"$/],
    ["--seed 1 --faults 0", /^--faults: expected a whole number from 1 to \d+, got "0"$/],
    ["--seed 1 --faults 999", /^--faults: expected a whole number from 1 to \d+, got "999"$/],
    ["--seed 1 --seeds 5", /^--seeds: expected without --seed/],
    ["--seed 1 --from 5", /^--from: expected without --seed/],
    ["--seed 1 --workers 1", /^--workers: expected without --seed/],
    ["--seed 1 --mutations", /^--mutations: expected without --seed/],
    ["--seeds 1 --trace", /^--trace: expected together with --seed$/],
    ["--from 1", /^expected --seeds, --seed or --mutations$/],
    ["--seed --trace", /^Option '--seed' argument is ambiguous$/],
    ["--sede 1", /^Unknown option '--sede'$/],
    ["--seeds 1 2", /^Unexpected argument '2'/],
  ])("%s is refused in a line", (line, why) => {
    expect(() => read(line)).toThrow(UsageError);
    expect(() => read(line)).toThrow(why);
  });

  test("takes each invariant of the README's table for --only", () => {
    const readme = readFileSync(new URL("../README.md", import.meta.url), "utf8");
    const [, table = ""] = /^\| invariant.*\n((?:\|.*\n)+)/m.exec(readme) ?? [];
    const names = [...table.matchAll(/^\| `(\w+)`/gm)].map(([, name]) => name);
    expect(names).toContain("oneMasterInTime");
    expect(names.length).toBeGreaterThan(10);
    for (const name of names)
      expect(read(`--seed 1 --only ${name}`)).toMatchObject({ options: { only: name } });
  });
});
