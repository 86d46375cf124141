import * as code from "@msdha/postgresql";
import { expect, test } from "vitest";
import { loadMutated, MUTATIONS } from "./mutations.ts";
import { simulate } from "./simulate.ts";

test("loses no acknowledged commit", async () => {
  let promotions = 0;
  let acknowledged = 0;
  for (let seed = 1; seed <= 40; seed += 1) {
    const result = await simulate(seed, { code });
    expect({ seed, violations: result.violations }).toEqual({ seed, violations: [] });
    promotions += result.promotions;
    acknowledged += result.acknowledged;
  }
  expect(promotions).toBeGreaterThan(40);
  expect(acknowledged).toBeGreaterThan(200);
});

/** Seeds that notice a mutation soonest. */
const SEEDS: Readonly<Record<string, number>> = {
  countsForeignStreams: 2,
  promotesWhoWasNotInSync: 4,
  strictAcknowledgesAlone: 8,
  promotesWhoHasLess: 10,
  keepsTheMarkOfRewoundData: 12,
  asksNobody: 20,
  joinsServerFirst: 32,
  countsOnWhoHasLess: 56,
  asksUnderALivingMaster: 58,
  recallsUnderAnotherRecord: 72,
  startsWithoutAList: 149,
  waitsAgainWithoutOneThatHasAll: 150,
  leavesRecordFirst: 226,
  leavesWithoutAnotherThatHasAll: 501,
  asksOneTooFew: 639,
  promotesBeforeEnoughAnswer: 639,
  waitsAgainWithoutCheckpoint: 696,
  writesWithoutRevision: 1626,
  beginsAgainWithoutWriting: 2613,
  countsWhoStillFollows: 2728,
  writesWithoutToken: 3080,
  promotesBeforeTheRecord: 4056,
  waitsAgainWithSomeOfThem: 4158,
  countsAConnectionTwice: 11723,
};

test.each(Object.entries(SEEDS))("notices %s by seed %d", async (name, seed) => {
  const mutation = MUTATIONS[name];
  if (!mutation) throw new Error(`there is no mutation ${name}`);
  expect((await simulate(seed, { code })).violations).toEqual([]);
  expect((await simulate(seed, await loadMutated(mutation))).violations).not.toEqual([]);
});
