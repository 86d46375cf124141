import { expect, test } from "vitest";
import { type Result, simulate } from "../simulate.ts";
import { mutations } from "./all.ts";
import type { Mutation } from "./mutation.ts";
import { withUnseenRecord } from "./unseen-record.ts";
import { recordNotCompared } from "./wait.ts";

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
  noProof: { seed: 31, faults: 37 },
  proofByRead: { seed: 13, faults: 38 },
  proofByKeepalive: { seed: 97, faults: 37 },
  proofFromAnswer: { seed: 15, faults: 37 },
  deadlineNotReadAgain: { seed: 38, faults: 37 },
  demotedOnly: { seed: 1, faults: 37 },
  goneIsWhatWasStarted: { seed: 43, faults: 37 },
  handOverBeforeGone: { seed: 6, faults: 37 },
  killAtThreeTtls: { seed: 1, faults: 37 },
  noGuard: { seed: 1, faults: 37 },
  noKillTimeDuringStops: { seed: 82, faults: 37 },
  noWait: { seed: 1, faults: 37 },
  recordLoweredByTaking: { seed: 2, faults: 37 },
  recordNotCompared: { seed: 1, faults: 37 },
  recordOnLease: { seed: 1, faults: 37 },
  waitForOwnTtl: { seed: 4, faults: 37 },
  waitFromRequest: { seed: 23, faults: 37 },
  formerRunByName: { seed: 5, faults: 37 },
  handOverWithoutWait: { seed: 2, faults: 37 },
  lockNotCompared: { seed: 1, faults: 37 },
  noWaitAfterAdoption: { seed: 130, faults: 37 },
  nodeKeyNotCompared: { seed: 2, faults: 37 },
  staleHandOverBelieved: { seed: 7, faults: 37 },
  tokenNotCompared: { seed: 31, faults: 37 },
  masterByNodeKeysAlone: { seed: 2, faults: 37 },
  recordNotLookedAt: { seed: 60, faults: 37 },
  deniedUnnoticed: { seed: 52, faults: 37 },
  graceWhenOvertaken: { seed: 3, faults: 37 },
  givenBackUnkilled: { seed: 6, faults: 37 },
  masterWithoutProof: { seed: 3, faults: 37 },
  cleansUpBesideOthers: { seed: 1, faults: 37 },
  everyEndIsClean: { seed: 1, faults: 37 },
  resumeFromNow: { seed: 1, faults: 37 },
  decidesEarly: { seed: 1, faults: 37 },
  lowestRankChosen: { seed: 5, faults: 37 },
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

test("a node that never sees the record lowers it no sooner, as the rule is kept", {
  timeout: PATIENCE_MS,
}, async () => {
  const kept: Mutation = {
    ...recordNotCompared,
    collaborators: { etcd: (etcd, _, { keys }) => withUnseenRecord(etcd, keys) },
  };
  for (let seed = 1; seed <= 10; seed += 1)
    expect((await simulate(seed, { mutation: kept })).violation).toBeUndefined();
});

function* placesToTry(known: Place | undefined): Generator<Place> {
  if (known) yield known;
  for (let seed = 1; seed <= BOUND; seed += 1) yield { seed };
}
