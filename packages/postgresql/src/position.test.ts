import { describe, expect, test } from "vitest";
import { comparePositions, rankOf, readPosition } from "./position.ts";

const at = (timeline: number, bytes: bigint, began = 0n) => ({ timeline, bytes, began });

test("reads what a server says of its position", () => {
  expect(readPosition(["3", "67108864", "50331648", "t", "f", "t", "1:33554432 2:50331648"])).toEqual({
    timeline: 3,
    bytes: 67_108_864n,
    began: 50_331_648n,
    branches: [
      { timeline: 1, at: 33_554_432n },
      { timeline: 2, at: 50_331_648n },
    ],
    standby: true,
    settled: false,
    free: true,
  });
});

test.each([[undefined], [[]], [["1", null, null, "t", "f", "t"]], [[null, "1", "1", "t", "t", "t"]]])(
  "knows no position from %j",
  (row) => {
    expect(readPosition(row)).toBeUndefined();
  },
);

describe("the rank of a candidate", () => {
  test.each([
    ["a newer timeline", at(3, 100n, 90n), at(2, 1_000_000n, 0n)],
    ["more log on one timeline", at(2, 200n, 96n), at(2, 192n, 96n)],
    ["more log on the first timeline", at(1, 200n), at(1, 192n)],
    ["the second timeline", at(2, 200n, 200n), at(1, 800_000_000_000n)],
  ])("is higher with %s", (_what, more, less) => {
    expect(rankOf(more)).toBeGreaterThan(rankOf(less));
  });

  test.each([
    ["timelines beyond 19,999", at(20_001, 80n, 0n), at(20_002, 80n, 0n)],
    ["more than 800 GB on a timeline", at(2, 900_000_000_000n), at(2, 800_000_000_000n)],
  ])("is the same for %s", (_what, one, other) => {
    expect(rankOf(one)).toBe(rankOf(other));
  });

  test.each([at(1, 0n), at(1, 2n ** 64n - 1n), at(2 ** 31 - 1, 2n ** 64n - 1n, 0n)])(
    "has 15 digits at most: %#",
    (position) => {
      expect(String(rankOf(position))).toMatch(/^-?\d{1,15}$/);
    },
  );
});

test.each([
  [at(1, 8n), at(1, 8n), 0],
  [at(1, 16n), at(1, 8n), 1],
  [at(1, 8n), at(1, 16n), -1],
  [at(2, 8n), at(1, 16n), 1],
  [at(1, 16n), at(2, 8n), -1],
])("compares two positions: %#", (one, other, expected) => {
  expect(Math.sign(comparePositions(one, other))).toBe(expected);
});
