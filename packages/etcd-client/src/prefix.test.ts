import fc from "fast-check";
import { expect, test } from "vitest";
import { prefixRangeEnd } from "./prefix.ts";

test("the end of a prefix comes after every key that begins with it and before every other greater key", () => {
  fc.assert(
    fc.property(
      fc.string({ minLength: 1, unit: "grapheme" }),
      fc.string({ unit: "grapheme" }),
      (prefix, other) => {
        const end = prefixRangeEnd(prefix);
        const inside = (key: string): boolean =>
          Buffer.compare(Buffer.from(key), Buffer.from(prefix)) >= 0 &&
          Buffer.compare(Buffer.from(key), end) < 0;
        expect(inside(prefix + other)).toBe(true);
        expect(inside(other)).toBe(Buffer.from(other).indexOf(Buffer.from(prefix)) === 0);
      },
    ),
  );
});

test("the prefix db/ ends before db0, and so before every key of db2/", () => {
  expect(prefixRangeEnd("db/").toString()).toBe("db0");
});

test("no prefix has no end", () => {
  expect(prefixRangeEnd("")).toEqual(Buffer.of(0));
});
