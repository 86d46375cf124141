import type { KnownFault } from "../../src/faults/all-faults.ts";
import { makeScenario as makeUsual, type Scenario } from "../../src/scenario.ts";

const crashes: Readonly<Record<number, () => void>> = {
  3: () => {
    throw new TypeError("thrown at once");
  },
  5: () => setImmediate(rejectUnheard),
  6: () => setImmediate(throwUnheard),
  9: () => setImmediate(() => process.exit(7)),
};

/** As the real one, but some seeds crash, all but 3 when their group has begun to live. */
export function makeScenario(seed: number, faults: readonly KnownFault[]): Scenario {
  crashes[seed]?.();
  return makeUsual(seed, faults);
}

function rejectUnheard(): void {
  void Promise.reject(new RangeError("rejected unheard"));
}

function throwUnheard(): void {
  throw new RangeError("thrown unheard");
}
