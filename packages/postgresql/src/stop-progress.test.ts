import { expect, test } from "vitest";
import { describeBehind } from "./stop-progress.ts";

test("says of each standby what it lacks", () => {
  expect(
    describeBehind([
      { name: "b", bytes: 61 * 2 ** 20 },
      { name: "c", bytes: 0 },
    ]),
  ).toBe("b lacks 61 MB, c has everything");
  expect(describeBehind([])).toBe("no standby is connected");
});
