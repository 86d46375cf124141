import { expect, test } from "vitest";
import { judgeStandby } from "./standby-health.ts";

test.each([
  [0, 60_000, "nothing"],
  [4_999, 60_000, "nothing"],
  [5_000, 60_000, "look"],
  [59_999, 60_000, "look"],
  [60_000, 60_000, "end"],
  [4_999, 0, "nothing"],
  [5_000, 0, "end"],
  [1e12, Number.POSITIVE_INFINITY, "look"],
] as const)("after %d ms of silence with a patience of %d does: %s", (silentMs, patienceMs, expected) => {
  expect(judgeStandby(silentMs, patienceMs)).toBe(expected);
});
