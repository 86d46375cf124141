import { expect, test } from "vitest";
import { formatDuration, formatMeasured, formatRoughly } from "./duration.ts";

test.each([
  [-5_000, "0 s"],
  [999, "0 s"],
  [12_345, "12 s"],
  [60_000, "1 min"],
  [61_000, "1 min 1 s"],
  [3_600_000, "1 h"],
  [3_659_000, "1 h"],
  [273_600_000, "3 d 4 h"],
])("%i ms is %s", (ms, text) => {
  expect(formatDuration(ms)).toBe(text);
});

test("a rough length has its largest unit alone, and a measured one its tenths", () => {
  expect(formatRoughly(273_600_000)).toBe("3 d");
  expect(formatMeasured(141.4)).toBe("141 ms");
  expect(formatMeasured(28_440)).toBe("28.4 s");
  expect(formatMeasured(3_600_000)).toBe("1 h");
});
