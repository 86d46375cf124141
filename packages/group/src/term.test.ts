import fc from "fast-check";
import { expect, test } from "vitest";
import { isName } from "./keys.ts";
import { parseTerm, TERM_BYTES, type Term, writeTerm } from "./term.ts";

const term: Term = {
  token: 8_812,
  node: "two",
  run: "6d1f4f0e-8d0c-4c5f-9d8a-0a5c1f7c2b11",
  beganAt: 1_790_000_000_000,
  takenAfter: "handover",
  from: "one",
  gapMs: 141.5,
  losses: undefined,
  end: { why: "asked to stop: switchover to one: kernel update", at: 1_790_000_060_000, by: "itself" },
};

test("reads back the terms that it writes", () => {
  expect(parseTerm(8_812, writeTerm(term))).toEqual(term);
  const open: Term = { ...term, takenAfter: "wait", from: undefined, gapMs: undefined, end: undefined };
  expect(parseTerm(8_812, writeTerm(open))).toEqual(open);
});

test("never writes more than 512 bytes, and cuts reasons before names", () => {
  const name = fc.string({ unit: "grapheme", minLength: 1, maxLength: 253 }).filter(isName);
  const text = fc.string({ unit: "binary", maxLength: 2_000 });
  fc.assert(
    fc.property(name, name, text, text, (node, from, losses, why) => {
      const written = writeTerm({ ...term, node, from, losses, end: { why, by: "next_run" } });
      expect(Buffer.byteLength(written)).toBeLessThanOrEqual(TERM_BYTES);
      const read = parseTerm(8_812, written);
      expect(read?.run).toBe(term.run);
      expect(read?.end?.by).toBe("next_run");
      if (Buffer.byteLength(node) <= 250) expect(read?.node).toBe(node);
    }),
  );
  const read = parseTerm(1, writeTerm({ ...term, losses: "x".repeat(600) }));
  expect(read?.losses).toMatch(/^x+…$/);
  expect(read?.node).toBe("two");
});

test.each([
  ["text", "lease ended"],
  ["a list", "[]"],
  ["no node", JSON.stringify({ ...term, node: 1 })],
  ["no time", JSON.stringify({ ...term, beganAt: "now" })],
  ["a time that no calendar has", JSON.stringify({ ...term, beganAt: 1e300 })],
  ["another way to the lock", JSON.stringify({ ...term, takenAfter: "force" })],
])("takes %s for no term", (_what, text) => {
  expect(parseTerm(1, text)).toBeUndefined();
});

test("leaves out an end that no node writes", () => {
  expect(parseTerm(1, JSON.stringify({ ...term, end: { why: 7 } }))?.end).toBeUndefined();
});
