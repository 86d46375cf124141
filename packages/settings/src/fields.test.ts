import { expect, test } from "vitest";
import { duration, yesNo } from "./fields.ts";

test.each([
  ["90", 90_000],
  ["1.5", 1_500],
  [".5s", 500],
  ["15m", 900_000],
  ["12h", 43_200_000],
  ["1d", 86_400_000],
  ["infinity", Number.POSITIVE_INFINITY],
])("reads a length of time as sleep does: %s", (text, ms) => {
  expect(duration().parse(text)).toBe(ms);
});

test.each(["", " 1", "1 h", "-1", "1w", "1h30m", "0x10", "1e3", "NaN", "."])(
  "refuses %j as a length of time",
  (text) => {
    expect(duration().safeParse(text).success).toBe(false);
  },
);

test("keeps a length of time within its limits, and says them", () => {
  const limited = duration({ minMs: 1_000, maxMs: 60_000 });
  expect(limited.parse("1m")).toBe(60_000);
  expect(limited.safeParse("infinity").error?.issues[0]?.message).toMatch(/from 1 s to 60 s$/);
});

test("reads yes and no in their usual spellings", () => {
  expect(["yes", "true", "1", "on"].map((text) => yesNo().parse(text))).toEqual([true, true, true, true]);
  expect(["no", "false", "0", "off"].map((text) => yesNo().parse(text))).toEqual([
    false,
    false,
    false,
    false,
  ]);
  expect(yesNo().safeParse("maybe").success).toBe(false);
});
