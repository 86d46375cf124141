import fc from "fast-check";
import { expect, test } from "vitest";
import { parseAnswer, writeAnswer } from "./candidacy.ts";
import { compareRanks, parseRank } from "./rank.ts";

const anyRank = fc.bigInt({ min: -(10n ** 20n) + 1n, max: 10n ** 20n - 1n });

test("reads integers of up to 20 digits exactly", () => {
  expect(parseRank("1732790000000000001")).toBe(1_732_790_000_000_000_001n);
  expect(parseRank("+99999999999999999999")).toBe(99_999_999_999_999_999_999n);
  expect(parseRank("-007")).toBe(-7n);
  fc.assert(fc.property(anyRank, (rank) => parseRank(String(rank)) === rank));
});

test.each(["", " ", "10.5", "10 bytes", "1e3", "0x10", "--1", "+", "1_000", "123456789012345678901", "१२"])(
  "reads no rank from %j",
  (text) => {
    expect(parseRank(text)).toBeUndefined();
  },
);

test("puts the higher rank first, and none last", () => {
  fc.assert(
    fc.property(anyRank, anyRank, (a, b) => Math.sign(compareRanks(a, b)) === (a > b ? -1 : a < b ? 1 : 0)),
  );
  expect([undefined, 1n, undefined, 2n].toSorted(compareRanks)).toEqual([2n, 1n, undefined, undefined]);
});

test("reads back every answer that it writes, and none that a node can't have written", () => {
  const answer = fc.record({
    round: fc.nat(),
    may: fc.boolean(),
    rank: fc.option(anyRank, { nil: undefined }),
  });
  fc.assert(
    fc.property(answer, (given) => {
      expect(parseAnswer(writeAnswer(given))).toEqual(given);
    }),
  );
  for (const text of [
    "",
    "10",
    "{}",
    "null",
    '{"round":1,"may":true,"rank":"x"}',
    '{"round":1,"may":true,"rank":5}',
  ])
    expect(parseAnswer(text)).toBeUndefined();
});
