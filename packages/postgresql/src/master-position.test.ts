import { expect, test } from "vitest";
import { formatMasterPosition, lagBehind, parseMasterPosition, refuseLag } from "./master-position.ts";

const master = { master: "a", timeline: 2, bytes: 10_000_000n };

test("reads what it writes", () => {
  const later = { ...master, began: 9_000_000n };
  expect(parseMasterPosition(formatMasterPosition(later))).toEqual(later);
  expect(parseMasterPosition(`${formatMasterPosition(master)}\n`)).toEqual(master);
});

test.each([undefined, "", "2 x a", "2 10", "-1 10 a"])("knows no position from %j", (line) => {
  expect(parseMasterPosition(line)).toBeUndefined();
});

test.each([
  ["has as much", { timeline: 2, bytes: 10_000_000n }, 0],
  ["has more", { timeline: 2, bytes: 10_000_008n }, 0],
  ["has less", { timeline: 2, bytes: 9_000_000n }, 1_000_000],
  ["has less on an older timeline", { timeline: 1, bytes: 7_000_000n }, 3_000_000],
  ["is on a newer timeline", { timeline: 3, bytes: 9_000_000n }, 0],
  ["has more on an older timeline, but of its own", { timeline: 1, bytes: 20_000_000n }, 2_000_000],
  [
    "is on that timeline, and knows where it began",
    { timeline: 2, bytes: 9_500_000n, began: 8_000_000n },
    500_000,
  ],
  ["does not know where its timeline began", { timeline: 2, bytes: 9_500_000n, began: 9_500_000n }, 500_000],
  [
    "has more, on another timeline of the same number that began before",
    { timeline: 2, bytes: 20_000_000n, began: 7_000_000n },
    3_000_000,
  ],
  [
    "has more, on another timeline of the same number that began later",
    { timeline: 2, bytes: 20_000_000n, began: 9_000_000n },
    2_000_000,
  ],
])("a node that %s", (_what, own, lag) => {
  expect(lagBehind(own, { ...master, began: 8_000_000n })).toBe(lag);
});

test.each([
  [1_048_576, undefined],
  [1_000_000, undefined],
  [
    999_999,
    "lacks 977 kB of what a had, more than MSDHA_PG_MAX_LAG (977 kB): waiting for a node that has more",
  ],
  [0, "lacks 977 kB of what a had, more than MSDHA_PG_MAX_LAG (0 B): waiting for a node that has more"],
  [Number.POSITIVE_INFINITY, undefined],
])("with a limit of %d bytes", (limit, refusal) => {
  expect(refuseLag({ timeline: 2, bytes: 9_000_000n }, master, limit)).toBe(refusal);
});

test("refuses nobody where no master has said anything", () => {
  expect(refuseLag({ timeline: 1, bytes: 0n }, undefined, 0)).toBeUndefined();
});
