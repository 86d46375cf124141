import { expect, test } from "vitest";
import { clonePause } from "./clone.ts";

test("tries a clone that fails less and less often", () => {
  expect([0, 1, 2, 3, 4, 7, 8, 9, 1_000].map((failures) => clonePause({ failures }))).toEqual([
    500, 500, 1_000, 2_000, 4_000, 32_000, 60_000, 60_000, 60_000,
  ]);
});
