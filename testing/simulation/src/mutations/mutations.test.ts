import { expect, test } from "vitest";
import { type Result, simulate } from "../simulate.ts";
import { mutations } from "./all-mutations.ts";
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
  noProof: { seed: 106, faults: 49 },
  proofByRead: { seed: 97, faults: 49 },
  proofByKeepalive: { seed: 97, faults: 49 },
  proofFromAnswer: { seed: 56, faults: 49 },
  deadlineNotReadAgain: { seed: 40, faults: 49 },
  demotedOnly: { seed: 2, faults: 49 },
  goneIsWhatWasStarted: { seed: 43, faults: 49 },
  handOverBeforeGone: { seed: 7, faults: 49 },
  killAtThreeTtls: { seed: 6, faults: 49 },
  noGuard: { seed: 6, faults: 49 },
  noKillTimeDuringStops: { seed: 96, faults: 49 },
  noWait: { seed: 1, faults: 49 },
  recordLoweredByTaking: { seed: 2, faults: 49 },
  recordNotCompared: { seed: 1, faults: 49 },
  recordOnLease: { seed: 1, faults: 49 },
  waitForOwnTtl: { seed: 2, faults: 49 },
  waitFromRequest: { seed: 97, faults: 49 },
  formerRunByName: { seed: 5, faults: 49 },
  handOverWithoutWait: { seed: 1, faults: 49 },
  lockNotCompared: { seed: 1, faults: 49 },
  noWaitAfterAdoption: { seed: 71, faults: 49 },
  nodeKeyNotCompared: { seed: 5, faults: 49 },
  staleHandOverBelieved: { seed: 1615, faults: 49 },
  tokenNotCompared: { seed: 63, faults: 49 },
  masterByNodeKeysAlone: { seed: 15, faults: 49 },
  recordNotLookedAt: { seed: 848, faults: 49 },
  deniedUnnoticed: { seed: 19, faults: 49 },
  graceWhenOvertaken: { seed: 1, faults: 49 },
  givenBackUnkilled: { seed: 44, faults: 49 },
  masterWithoutProof: { seed: 3, faults: 49 },
  cleansUpBesideOthers: { seed: 2, faults: 49 },
  everyEndIsClean: { seed: 1, faults: 49 },
  resumeFromNow: { seed: 1, faults: 49 },
  decidesEarly: { seed: 3, faults: 49 },
  lowestRankChosen: { seed: 6, faults: 49 },
  pauseNotCompared: { seed: 1, faults: 49 },
  pauseSweptEarly: { seed: 1, faults: 49 },
  requestForAnyRun: { seed: 3, faults: 49 },
  promotionNotRecorded: { seed: 1, faults: 49 },
  uptimeBelieved: { seed: 8, faults: 49 },
  deadlineByOneClock: { seed: 20, faults: 49 },
  foreignAnswersTaken: { seed: 1, faults: 49 },
  reportNotCompared: { seed: 19, faults: 49 },
  orderForAnyRun: { seed: 1, faults: 49 },
  orderOutlivesMaster: { seed: 20, faults: 49 },
  orderNotAccepted: { seed: 1, faults: 49 },
  copyNotNoticed: { seed: 1, faults: 49 },
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
