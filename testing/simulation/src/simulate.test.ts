import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import { describeResult } from "./commands/replay.ts";
import { simulate } from "./simulate.ts";

const FIRST = 1;
const PER_TEST = 25;
const TESTS = 10;
const PATIENCE_MS = 120_000;

const starts = Array.from({ length: TESTS }, (_, index) => FIRST + index * PER_TEST);

describe("nothing breaks the promise", () => {
  test.each(starts)(`in the ${PER_TEST} seeds from %i on`, { timeout: PATIENCE_MS }, async (start) => {
    const violations: string[] = [];
    for (let seed = start; seed < start + PER_TEST; seed += 1) {
      const result = await simulate(seed);
      if (result.violation)
        violations.push(`${describeResult(result)}; script/simulate --seed ${seed} --trace`);
    }
    expect(violations).toEqual([]);
  });
});

test("a node whose lease was not proved in time does not revoke it beside something that it may not kill", {
  timeout: PATIENCE_MS,
}, async () => {
  for (const seed of [6_940, 7_168, 7_297])
    expect((await simulate(seed, { faults: 37 })).violation).toBeUndefined();
});

test("a seed picks from as many faults as it is given, and no others", { timeout: PATIENCE_MS }, async () => {
  const lines: string[] = [];
  for (let seed = 1; seed <= 10; seed += 1)
    await simulate(seed, { faults: 1, onTrace: (line) => lines.push(line) });
  expect(lines.some((line) => line.includes("frozen for"))).toBe(true);
  expect(lines.filter((line) => /container killed|cut off from etcd|snapshot at/.test(line))).toEqual([]);
});

test("the same seed does the same, to the last step", { timeout: PATIENCE_MS }, async () => {
  const digest = async (seed: number): Promise<string> => {
    const hash = createHash("sha256");
    await simulate(seed, { onTrace: (line) => void hash.update(`${line}\n`) });
    return hash.digest("hex");
  };
  for (const seed of [2, 3, 5]) expect(await digest(seed)).toBe(await digest(seed));
  expect(await digest(2)).not.toBe(await digest(3));
});

test(
  "groups have masters, and lose them",
  async () => {
    let masters = 0;
    for (let seed = 1; seed <= 10; seed += 1) masters += (await simulate(seed)).masters;
    expect(masters).toBeGreaterThan(10);
  },
  PATIENCE_MS,
);
