import { expect, test } from "vitest";
import { fitToHeight } from "./fit-to-height.ts";

const lines = ["db   master a", "  NODE", "● a", "● b", "● c", "● d", "last: x"];

test("a list that fits is as it was", () => {
  expect(fitToHeight(lines, 7)).toBe(lines);
});

test("one that is too high keeps its begin and its end, and says what is left out", () => {
  expect(fitToHeight(lines, 6)).toEqual([
    "db   master a",
    "  NODE",
    "● a",
    "● b",
    "… 2 more: msdha list",
    "last: x",
  ]);
  expect(fitToHeight(lines, 3)).toEqual(["db   master a", "… 5 more: msdha list", "last: x"]);
});

test.each([2, 1, 0, -1])("one for a terminal of %i lines begins with the master", (height) => {
  const shown = fitToHeight(lines, height);
  expect(shown[0]).toBe("db   master a");
  expect(shown).toHaveLength(Math.max(1, height));
});
