import { expect, test } from "vitest";
import { chooseMaster, isChosen, listVoters } from "./tally.ts";
import { type AnswerEntry, createGroupView } from "./view.ts";

const answer = (may: boolean, lease: string): AnswerEntry => ({ round: 7, may, lease });

test.each([
  ["a node that has said yes", "b", answer(true, "1"), true, true],
  ["a node that has said no", "b", answer(false, "1"), true, false],
  ["a node whose former run has said yes", "b", answer(true, "0"), true, false],
  ["a later run that has said nothing", "b", undefined, true, false],
  ["a node that is not asked", "b", undefined, false, true],
  ["another node", "c", answer(true, "1"), true, false],
  ["nobody", undefined, answer(true, "1"), true, false],
] as const)("a hand-over that names %s", (_, chosen, said, asked, expected) => {
  const view = { answers: new Map(said ? [["b", said]] : []) };
  expect(isChosen(view, { for: chosen }, { name: "b", lease: "1", asked })).toBe(expected);
});

test("a key that was put by hand, on no lease, is no candidate", () => {
  const ready = { state: "ready", modRevision: 5 };
  const nodes = new Map([
    ["b", { ...ready, lease: "0" }],
    ["c", { ...ready, lease: "1" }],
  ]);
  const voters = listVoters({ ...createGroupView("db"), nodes }, "a", 7);
  expect(voters.map(({ name }) => name)).toEqual(["c"]);
  expect(chooseMaster(voters, "a")).toBe("c");
});
