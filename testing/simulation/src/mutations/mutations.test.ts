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
  noProof: { seed: 86, faults: 38 },
  proofByRead: { seed: 13, faults: 38 },
  proofByKeepalive: { seed: 41, faults: 38 },
  proofFromAnswer: { seed: 15, faults: 38 },
  deadlineNotReadAgain: { seed: 40, faults: 38 },
  demotedOnly: { seed: 4, faults: 38 },
  goneIsWhatWasStarted: { seed: 98, faults: 38 },
  handOverBeforeGone: { seed: 7, faults: 38 },
  killAtThreeTtls: { seed: 1, faults: 38 },
  noGuard: { seed: 1, faults: 38 },
  noKillTimeDuringStops: { seed: 116, faults: 38 },
  noWait: { seed: 1, faults: 38 },
  recordLoweredByTaking: { seed: 2, faults: 38 },
  recordNotCompared: { seed: 1, faults: 38 },
  recordOnLease: { seed: 1, faults: 38 },
  waitForOwnTtl: { seed: 2, faults: 38 },
  waitFromRequest: { seed: 134, faults: 38 },
  formerRunByName: { seed: 5, faults: 38 },
  handOverWithoutWait: { seed: 5, faults: 38 },
  lockNotCompared: { seed: 1, faults: 38 },
  noWaitAfterAdoption: { seed: 173, faults: 38 },
  nodeKeyNotCompared: { seed: 3, faults: 38 },
  staleHandOverBelieved: { seed: 35, faults: 38 },
  tokenNotCompared: { seed: 31, faults: 38 },
  masterByNodeKeysAlone: { seed: 28, faults: 38 },
  recordNotLookedAt: { seed: 60, faults: 37 },
  deniedUnnoticed: { seed: 56, faults: 38 },
  graceWhenOvertaken: { seed: 6, faults: 38 },
  givenBackUnkilled: { seed: 44, faults: 38 },
  masterWithoutProof: { seed: 3, faults: 38 },
  cleansUpBesideOthers: { seed: 4, faults: 38 },
  everyEndIsClean: { seed: 1, faults: 38 },
  resumeFromNow: { seed: 1, faults: 38 },
  decidesEarly: { seed: 3, faults: 38 },
  lowestRankChosen: { seed: 7, faults: 38 },
  pauseNotCompared: { seed: 1, faults: 43 },
  pauseSweptEarly: { seed: 1, faults: 43 },
  requestForAnyRun: { seed: 39, faults: 43 },
  promotionNotRecorded: { seed: 1, faults: 43 },
  uptimeBelieved: { seed: 8, faults: 46 },
  deadlineByOneClock: { seed: 20, faults: 46 },
  foreignAnswersTaken: { seed: 1, faults: 46 },
  reportNotCompared: { seed: 9, faults: 47 },
  orderForAnyRun: { seed: 1, faults: 48 },
  orderOutlivesMaster: { seed: 20, faults: 48 },
  orderNotAccepted: { seed: 1, faults: 48 },
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
