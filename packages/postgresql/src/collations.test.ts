import { expect, test } from "vitest";
import { describeChanges } from "./collations.ts";

test("says what sorts otherwise than before, and how much more", () => {
  expect(describeChanges([])).toBe("");
  const one = { what: "database app", recorded: "2.31", here: "2.36" };
  expect(describeChanges([one])).toMatch(
    /^text is sorted by other versions than when the data were made \(database app 2\.31, here 2\.36\): /,
  );
  expect(describeChanges([one, one, one, one, one])).toMatch(/, here 2\.36, and 2 more\)/);
});
