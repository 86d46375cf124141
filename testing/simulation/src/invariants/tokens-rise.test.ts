import { groupKeys } from "@msdha/group";
import { expect, test } from "vitest";
import { createFacts } from "../facts/create-facts.ts";
import type { RunFacts } from "../facts/facts.ts";
import { tokensRise } from "./tokens-rise.ts";

function setUp() {
  const facts = createFacts(groupKeys("g"), 3_000);
  /** Starts a `master` hook under a lock that was taken after so many restores. */
  return (token: number, restores = 0): string | undefined => {
    const run = {
      id: "n0#1",
      lock: { token, restores },
      machine: { lostMs: 0 },
      lostMsAtSeen: 0,
    } as RunFacts;
    const env = { MSDHA_FENCING_TOKEN: String(token) };
    return tokensRise({ kind: "start", run, program: "master", args: [], env }, facts);
  };
}

test("a token that was given out before is noticed, as is one that is smaller", () => {
  const start = setUp();
  expect(start(61)).toBeUndefined();
  expect(start(75)).toBeUndefined();
  expect(start(75)).toMatch("n0#1 got the fencing token 75 after 75");
  expect(start(70)).toMatch("after 75");
});

test("a hook that starts after a restore with a token of before is held against those of before", () => {
  const start = setUp();
  expect(start(61)).toBeUndefined();
  expect(start(70, 1)).toBeUndefined();
  expect(start(75)).toBeUndefined();
  expect(start(75, 1)).toBeUndefined();
  expect(start(72)).toMatch("after 75");
  expect(start(75, 1)).toMatch("after 75");
});
