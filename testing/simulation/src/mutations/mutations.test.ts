import { expect, test } from "vitest";
import { type Result, simulate } from "../simulate.ts";
import { mutations } from "./all.ts";

/** How many seeds may go by before a rule's absence is noticed. */
const BOUND = 4_000;
const PATIENCE_MS = 600_000;

/** Where it was noticed last; any change of the code can move that, and then all seeds are tried. */
const knownSeeds: Readonly<Record<string, number>> = {
  noProof: 37,
  proofByKeepalive: 62,
  proofFromAnswer: 29,
  deadlineNotReadAgain: 28,
  demotedOnly: 20,
  goneIsWhatWasStarted: 8,
  handOverBeforeGone: 3,
  killAtThreeTtls: 3,
  noGuard: 13,
  noKillTimeDuringStops: 3,
  noWait: 1,
  recordLoweredByTaking: 2,
  recordNotCompared: 56,
  recordOnLease: 1,
  waitForOwnTtl: 30,
  waitFromRequest: 80,
  formerRunByName: 5,
  handOverWithoutWait: 10,
  lockNotCompared: 1,
  noWaitAfterAdoption: 27,
  nodeKeyNotCompared: 2,
  staleHandOverBelieved: 82,
  tokenNotCompared: 50,
  masterByNodeKeysAlone: 5,
  resumeFromNow: 1,
};

test.each(Object.entries(mutations))("%s is noticed", { timeout: PATIENCE_MS }, async (name, mutation) => {
  let found: Result | undefined;
  for (const seed of seedsToTry(knownSeeds[name])) {
    const result = await simulate(seed, { mutation });
    if (!result.violation) continue;
    found = result;
    break;
  }
  expect(found?.violation?.invariant).toBe(mutation.noticedBy);
});

function* seedsToTry(known: number | undefined): Generator<number> {
  if (known !== undefined) yield known;
  for (let seed = 1; seed <= BOUND; seed += 1) yield seed;
}
