import { expect, test } from "vitest";
import { type Result, simulate } from "../simulate.ts";
import { mutations } from "./all.ts";

/** How many seeds may go by before a rule's absence is noticed. */
const BOUND = 4_000;
const PATIENCE_MS = 600_000;

/** A seed, and how many faults of the list there were when it was found. */
interface Place {
  readonly seed: number;
  readonly faults?: number;
}

/** Where it was noticed last; any change of the code can move that, and then all seeds are tried. */
const knownSeeds: Readonly<Record<string, Place>> = {
  noProof: { seed: 117, faults: 29 },
  proofByKeepalive: { seed: 97, faults: 29 },
  proofFromAnswer: { seed: 48, faults: 29 },
  deadlineNotReadAgain: { seed: 2, faults: 33 },
  demotedOnly: { seed: 1, faults: 33 },
  goneIsWhatWasStarted: { seed: 99, faults: 33 },
  handOverBeforeGone: { seed: 8, faults: 29 },
  killAtThreeTtls: { seed: 1, faults: 29 },
  noGuard: { seed: 1, faults: 29 },
  noKillTimeDuringStops: { seed: 31, faults: 33 },
  noWait: { seed: 1, faults: 29 },
  recordLoweredByTaking: { seed: 2, faults: 29 },
  recordNotCompared: { seed: 62, faults: 33 },
  recordOnLease: { seed: 1, faults: 29 },
  waitForOwnTtl: { seed: 2, faults: 29 },
  waitFromRequest: { seed: 90, faults: 33 },
  formerRunByName: { seed: 5, faults: 29 },
  handOverWithoutWait: { seed: 19, faults: 29 },
  lockNotCompared: { seed: 1, faults: 29 },
  noWaitAfterAdoption: { seed: 49, faults: 33 },
  nodeKeyNotCompared: { seed: 1, faults: 29 },
  staleHandOverBelieved: { seed: 14, faults: 33 },
  tokenNotCompared: { seed: 4, faults: 33 },
  masterByNodeKeysAlone: { seed: 12, faults: 29 },
  recordNotLookedAt: { seed: 143, faults: 37 },
  deniedUnnoticed: { seed: 14, faults: 37 },
  graceWhenOvertaken: { seed: 13, faults: 37 },
  givenBackUnkilled: { seed: 6, faults: 37 },
  masterWithoutProof: { seed: 3, faults: 33 },
  cleansUpBesideOthers: { seed: 1, faults: 33 },
  everyEndIsClean: { seed: 1, faults: 33 },
  resumeFromNow: { seed: 1, faults: 29 },
  decidesEarly: { seed: 3, faults: 33 },
  lowestRankChosen: { seed: 6, faults: 33 },
};

test.each(Object.entries(mutations))("%s is noticed", { timeout: PATIENCE_MS }, async (name, mutation) => {
  let found: Result | undefined;
  for (const { seed, faults } of placesToTry(knownSeeds[name])) {
    const result = await simulate(seed, { mutation, faults });
    if (!result.violation) continue;
    found = result;
    break;
  }
  expect(found?.violation?.invariant).toBe(mutation.noticedBy);
});

function* placesToTry(known: Place | undefined): Generator<Place> {
  if (known) yield known;
  for (let seed = 1; seed <= BOUND; seed += 1) yield { seed };
}
