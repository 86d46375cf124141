import { expect, test } from "vitest";
import type { Fault } from "./faults/fault.ts";
import { createRandom } from "./random.ts";
import { type FaultRunOptions, runFaults } from "./run-faults.ts";

const begin = (): { target: string; lastsMs: number; end: () => void } => ({
  target: "e1",
  lastsMs: 3_000,
  end() {},
});

test.each([
  ["once, of a fault that can't be done twice at once", true, ["replace"]],
  ["twice, of another", false, ["replace", "replace"]],
])("faults that last for long are done beside each other: %s", async (_, single, done) => {
  const fault: Fault = { name: "replace", single, begin };
  const options: FaultRunOptions = {
    visitors: { blind: () => () => {} },
    random: createRandom("a"),
    signal: new AbortController().signal,
    tell() {},
    world: {} as FaultRunOptions["world"],
    ttlMs: 3_000,
    thawed() {},
    compacted() {},
    allowExit: () => () => {},
    problem() {},
  };
  expect(await runFaults(2, () => fault, options)).toEqual(done);
});
