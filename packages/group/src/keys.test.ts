import fc from "fast-check";
import { expect, test } from "vitest";
import { groupKeys, isName, parseKey } from "./keys.ts";

const name = fc.string({ unit: "grapheme", minLength: 1, maxLength: 40 }).filter(isName);

test("reads back every key that it writes, in any group", () => {
  fc.assert(
    fc.property(name, name, (group, node) => {
      const keys = groupKeys(group);
      expect(parseKey(keys, keys.node(node))).toEqual({ kind: "node", name: node });
      expect(parseKey(keys, keys.details(node))).toEqual({ kind: "details", name: node });
      expect(parseKey(keys, keys.claim(node))).toEqual({ kind: "claim", name: node });
      expect(parseKey(keys, keys.lock).kind).toBe("lock");
      expect(parseKey(keys, keys.handover).kind).toBe("handover");
      expect(parseKey(keys, keys.ttl).kind).toBe("ttl");
      expect(parseKey(keys, keys.election).kind).toBe("election");
      expect(parseKey(keys, keys.lastMaster).kind).toBe("lastMaster");
      expect(parseKey(keys, keys.since(node))).toEqual({ kind: "since", name: node });
      expect(parseKey(keys, keys.ask("hold", node))).toEqual({ kind: "ask", ask: "hold", name: node });
      expect(parseKey(keys, keys.ask("pause"))).toEqual({ kind: "ask", ask: "pause", name: "" });
    }),
    { numRuns: 10_000 },
  );
});

test("keeps groups apart when one's name is the beginning of the other's", () => {
  expect(parseKey(groupKeys("db"), groupKeys("db2").node("a"))).toEqual({ kind: "unknown" });
  expect(groupKeys("db2").node("a").startsWith(groupKeys("db").prefix)).toBe(false);
});

test("takes no key for a node's that a node can't have written", () => {
  const keys = groupKeys("db");
  fc.assert(
    fc.property(fc.oneof(fc.string({ unit: "binary" }), fc.constantFrom("\ufffd", "a\ufffdb")), (rest) => {
      const parsed = parseKey(keys, keys.prefix + rest);
      if (parsed.kind === "node") expect(isName(parsed.name)).toBe(true);
    }),
    { numRuns: 10_000 },
  );
  for (const rest of [
    "",
    "_x",
    "-rf",
    "..",
    "a/b",
    "a b",
    "a\ufffd",
    "_node/",
    "_node/a/b",
    "_claim/_x",
    "\u0000",
    "_ask/",
    "_ask/hold",
    "_ask/hold/_x",
    "_ask/pause/a",
    "_ask/obey",
    "_later/what-a-newer-version-writes",
    "_later",
  ]) {
    expect(parseKey(keys, keys.prefix + rest)).toEqual({ kind: "unknown" });
  }
});

test("terms are in the order of their tokens", () => {
  const { term } = groupKeys("db");
  expect([term(100_000), term(9), term(10)].sort()).toEqual([term(9), term(10), term(100_000)]);
});

test("refuses names that can't be part of a key", () => {
  expect(() => groupKeys("_db")).toThrow(/expected a name .* got "_db"/);
  expect(() => groupKeys("db").node("a/b")).toThrow(TypeError);
  for (const name of ["-x", ".", "..", ".hidden"])
    expect(() => groupKeys("db").node(name)).toThrow(TypeError);
});
