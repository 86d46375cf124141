import { expect, test } from "vitest";
import { parseDuration } from "./durations.ts";

test.each([
  ["90", 90_000],
  ["90s", 90_000],
  ["15m", 900_000],
  ["12h", 43_200_000],
  ["1d", 86_400_000],
  ["0", 0],
  ["infinity", Number.POSITIVE_INFINITY],
  ["1w", undefined],
  ["", undefined],
  ["-1", undefined],
  ["1.5h", undefined],
])("reads the duration %s as %s ms", (text, expected) => {
  expect(parseDuration(text)).toBe(expected);
});
