import { expect, test } from "vitest";
import { type Result, simulate } from "../simulate.ts";
import { mutations } from "./all.ts";

/** How many seeds may go by before a rule's absence is noticed. */
const BOUND = 4_000;
const PATIENCE_MS = 600_000;

/** Where it was noticed last; any change of the code can move that, and then all seeds are tried. */
const knownSeeds: Readonly<Record<string, number>> = {};

test.each(Object.entries(mutations))("%s is noticed", { timeout: PATIENCE_MS }, async (name, mutation) => {
  let found: Result | undefined;
  for (const seed of seedsToTry(knownSeeds[name])) {
    const result = await simulate(seed, { mutation });
    if (!result.violation) continue;
    found = result;
    break;
  }
  expect(found?.violation?.invariant, `seed ${found?.seed}`).toBeTypeOf("string");
});

function* seedsToTry(known: number | undefined): Generator<number> {
  if (known !== undefined) yield known;
  for (let seed = 1; seed <= BOUND; seed += 1) yield seed;
}
