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
  noProof: { seed: 33, faults: 37 },
  proofByKeepalive: { seed: 97, faults: 37 },
  proofFromAnswer: { seed: 5, faults: 37 },
  deadlineNotReadAgain: { seed: 20, faults: 37 },
  demotedOnly: { seed: 1, faults: 37 },
  goneIsWhatWasStarted: { seed: 34, faults: 37 },
  handOverBeforeGone: { seed: 8, faults: 37 },
  killAtThreeTtls: { seed: 1, faults: 37 },
  noGuard: { seed: 1, faults: 37 },
  noKillTimeDuringStops: { seed: 5, faults: 29 },
  noWait: { seed: 1, faults: 29 },
  recordLoweredByTaking: { seed: 2, faults: 29 },
  recordNotCompared: { seed: 28, faults: 29 },
  recordOnLease: { seed: 1, faults: 29 },
  waitForOwnTtl: { seed: 2, faults: 29 },
  waitFromRequest: { seed: 3, faults: 29 },
  formerRunByName: { seed: 5, faults: 29 },
  handOverWithoutWait: { seed: 19, faults: 29 },
  lockNotCompared: { seed: 1, faults: 29 },
  noWaitAfterAdoption: { seed: 29, faults: 29 },
  nodeKeyNotCompared: { seed: 1, faults: 29 },
  staleHandOverBelieved: { seed: 2, faults: 29 },
  tokenNotCompared: { seed: 129, faults: 29 },
  masterByNodeKeysAlone: { seed: 12, faults: 29 },
  recordNotLookedAt: { seed: 143, faults: 37 },
  deniedUnnoticed: { seed: 14, faults: 37 },
  graceWhenOvertaken: { seed: 13, faults: 37 },
  givenBackUnkilled: { seed: 6, faults: 37 },
  masterWithoutProof: { seed: 3, faults: 33 },
  resumeFromNow: { seed: 1, faults: 29 },
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
