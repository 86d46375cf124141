import fc from "fast-check";
import { expect, test } from "vitest";
import { printable } from "./printable.ts";

test("text from anywhere becomes one line without control characters, escape codes or marks that turn it round", () => {
  const text = fc.oneof(
    fc.string({ unit: "binary" }),
    fc.string({ unit: "grapheme" }),
    fc.constantFrom(
      "\u001b[31m",
      "\u009b2J",
      "a\nb",
      "\u2028",
      "\u2029",
      "\u202e",
      "\u0000",
      "\ud800",
      "\u007f",
    ),
  );
  fc.assert(
    fc.property(text, (one) => {
      expect(printable(one)).not.toMatch(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u);
      expect(printable(one).length).toBeLessThanOrEqual(201 * "\\u{10ffff}".length);
    }),
    { numRuns: 10_000 },
  );
});

test("plain text stays as it is", () => {
  fc.assert(fc.property(fc.stringMatching(/^[\x20-\x7e]{0,200}$/), (one) => printable(one) === one));
});
