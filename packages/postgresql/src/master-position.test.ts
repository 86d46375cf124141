import { describe, expect, test } from "vitest";
import { formatMasterPosition, lagBehind, parseMasterPosition, refuseLag } from "./master-position.ts";

const at = (timeline: number, bytes: bigint) => ({ timeline, at: bytes });
const master = { master: "a", timeline: 2, bytes: 10_000_000n, branches: [] };

test("reads what it writes", () => {
  const later = { ...master, timeline: 4, branches: [at(1, 8_000_000n), at(3, 9_000_000n)] };
  expect(parseMasterPosition(formatMasterPosition(later))).toEqual(later);
  expect(parseMasterPosition(`${formatMasterPosition(master)}\n`)).toEqual(master);
});

test("writes the newest twenty branches", () => {
  const branches = Array.from({ length: 30 }, (_, index) => at(index + 1, BigInt(index)));
  const line = formatMasterPosition({ ...master, timeline: 31, branches });
  expect(parseMasterPosition(line)?.branches).toEqual(branches.slice(10));
});

test.each([undefined, "", "2 x a", "2 10", "-1 10 a"])("knows no position from %j", (line) => {
  expect(parseMasterPosition(line)).toBeUndefined();
});

test.each([
  ["has as much", { timeline: 2, bytes: 10_000_000n }, 0],
  ["has more", { timeline: 2, bytes: 10_000_008n }, 0],
  ["has less", { timeline: 2, bytes: 9_000_000n }, 1_000_000],
  ["has less on an older timeline", { timeline: 1, bytes: 7_000_000n }, 3_000_000],
  ["is on a newer timeline, and does not know how it began", { timeline: 3, bytes: 9_000_000n }, 0],
  ["has more on an older timeline, but of its own", { timeline: 1, bytes: 20_000_000n }, 2_000_000],
  [
    "is on that timeline, and knows where it began",
    { timeline: 2, bytes: 9_500_000n, branches: [at(1, 8_000_000n)] },
    500_000,
  ],
  ["does not know where its timeline began", { timeline: 2, bytes: 9_500_000n }, 500_000],
  [
    "has more, on another timeline of the same number that began before",
    { timeline: 2, bytes: 20_000_000n, branches: [at(1, 7_000_000n)] },
    3_000_000,
  ],
  [
    "has more, on another timeline of the same number that began later",
    { timeline: 2, bytes: 20_000_000n, branches: [at(1, 9_000_000n)] },
    2_000_000,
  ],
  [
    "began a newer timeline when it had all of that",
    { timeline: 3, bytes: 20_000_000n, branches: [at(1, 8_000_000n), at(2, 10_000_000n)] },
    0,
  ],
  [
    "began a newer timeline when it had less of that",
    { timeline: 3, bytes: 20_000_000n, branches: [at(1, 8_000_000n), at(2, 9_000_000n)] },
    1_000_000,
  ],
  [
    "is on a newer timeline, but left the history before",
    { timeline: 4, bytes: 20_000_000n, branches: [at(1, 7_000_000n), at(2, 7_500_000n), at(3, 7_600_000n)] },
    3_000_000,
  ],
])("a node that %s", (_what, own, lag) => {
  expect(lagBehind(own, { ...master, branches: [at(1, 8_000_000n)] })).toBe(lag);
});

describe("behind a master after several promotions", () => {
  const later = {
    ...{ master: "a", timeline: 5, bytes: 10_000_000n },
    branches: [at(1, 2_000_000n), at(2, 6_000_000n), at(4, 9_000_000n)],
  };

  test.each([
    ["has less on the first timeline", { timeline: 1, bytes: 1_000_000n }, 9_000_000],
    ["has more on the first timeline, of its own", { timeline: 1, bytes: 9_900_000n }, 8_000_000],
    [
      "has more on the timeline before, of its own",
      { timeline: 4, bytes: 9_900_000n, branches: [at(1, 2_000_000n), at(2, 6_000_000n)] },
      1_000_000,
    ],
    [
      "left on the second, and gave its timelines the same numbers",
      {
        timeline: 5,
        bytes: 11_000_000n,
        branches: [at(1, 2_000_000n), at(2, 5_000_000n), at(4, 9_000_000n)],
      },
      5_000_000,
    ],
    [
      "is on a timeline that was none of its own",
      { timeline: 3, bytes: 9_000_000n, branches: [at(1, 2_000_000n), at(2, 6_000_000n)] },
      4_000_000,
    ],
    ["does not know how its older timeline began", { timeline: 2, bytes: 9_900_000n }, 4_000_000],
  ])("a node that %s", (_what, own, lag) => {
    expect(lagBehind(own, later)).toBe(lag);
  });

  test("a node that left before the oldest branch that the master tells of", () => {
    const short = { ...later, branches: later.branches.slice(1) };
    expect(lagBehind({ timeline: 1, bytes: 9_900_000n }, short)).toBe(4_000_000);
    const other = { timeline: 3, bytes: 9_900_000n, branches: [at(1, 1_000_000n)] };
    expect(lagBehind(other, short)).toBe(4_000_000);
  });
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
