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

test.each([13_284, 15_123])(
  "lets a frozen master of before acknowledge what was lost since, by seed %d",
  async (seed) => {
    expect((await simulate(seed, { code })).violations).toEqual([]);
  },
);

/** Seeds that notice a mutation soonest. */
const SEEDS: Readonly<Record<string, number>> = {
  hearsNobody: 1,
  promotesWhoWasNotInSync: 1,
  promotesWhoHasLess: 1,
  countsOnWhoHasLess: 1,
  strictAcknowledgesAlone: 1,
  waitsAgainWithoutOneThatHasAll: 6,
  startsWithoutAList: 43,
  leavesRecordFirst: 54,
  leavesWithoutAnotherThatHasAll: 104,
  joinsServerFirst: 204,
  recallsUnderAnotherRecord: 405,
  writesWithoutToken: 541,
  waitsAgainWithoutCheckpoint: 726,
  writesWithoutRevision: 864,
  beginsAgainWithoutWriting: 1173,
};

test.each(Object.entries(SEEDS))("notices %s by seed %d", async (name, seed) => {
  const mutation = MUTATIONS[name];
  if (!mutation) throw new Error(`there is no mutation ${name}`);
  expect((await simulate(seed, { code })).violations).toEqual([]);
  expect((await simulate(seed, await loadMutated(mutation))).violations).not.toEqual([]);
});
