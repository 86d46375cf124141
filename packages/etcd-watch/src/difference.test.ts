import type { KeyValue } from "@msdha/etcd-client";
import { describe, expect, test } from "vitest";
import { keyValue } from "../test/fake-etcd.ts";
import { contradicts, difference, differingKeys } from "./difference.ts";

const kv = (key: string, modRevision: number, value = "", createRevision = 1): KeyValue =>
  keyValue(key, { modRevision, value, createRevision });
const state = (...kvs: KeyValue[]): Map<string, KeyValue> => new Map(kvs.map((each) => [each.key, each]));

describe("difference", () => {
  test("tells deletions first, by key and at the read's revision, then puts by revision", () => {
    const before = state(kv("a", 2), kv("z", 3), kv("b", 4), kv("c", 5));
    const after = [kv("a", 9), kv("c", 5), kv("n", 7)];
    expect(
      difference(before, after, 12).map((event) => [event.type, event.kv.key, event.kv.modRevision]),
    ).toEqual([
      ["DELETE", "b", 12],
      ["DELETE", "z", 12],
      ["PUT", "n", 7],
      ["PUT", "a", 9],
    ]);
  });

  test("counts a put of the same value as a change", () => {
    expect(difference(state(kv("a", 2, "x")), [kv("a", 3, "x")], 3)).toHaveLength(1);
  });

  test("tells a key whose content differs at the same revision", () => {
    expect(difference(state(kv("a", 2, "x")), [kv("a", 2, "y")], 2)).toHaveLength(1);
  });

  test("is empty where nothing changed", () => {
    expect(difference(state(kv("a", 2)), [kv("a", 2)], 30)).toEqual([]);
  });

  test("leaves the keys that were read in their order", () => {
    const read = [kv("a", 9), kv("b", 3)];
    difference(state(), read, 9);
    expect(read.map(({ key }) => key)).toEqual(["a", "b"]);
  });
});

describe("contradicts", () => {
  test("is false for what may have come later", () => {
    expect(contradicts(state(kv("a", 2), kv("b", 3)), 5, [kv("a", 6), kv("new", 7)])).toBe(false);
  });

  test.each([
    ["a key that was not there", kv("new", 4)],
    ["an older state of a key", kv("a", 1)],
    ["another value at the same revision", kv("a", 2, "other")],
    ["another creation at the same revision", kv("a", 2, "", 2)],
  ])("is true for %s at a revision that was told", (_, read) => {
    expect(contradicts(state(kv("a", 2)), 5, [read])).toBe(true);
  });
});

describe("differingKeys", () => {
  const whole = { keysOnly: false };

  test("compares both ways", () => {
    expect(differingKeys(state(kv("a", 2)), [kv("a", 2)], whole)).toEqual([]);
    expect(differingKeys(state(kv("a", 2)), [], whole)).toEqual(["a"]);
    expect(differingKeys(state(), [kv("a", 2)], whole)).toEqual(["a"]);
    expect(differingKeys(state(kv("a", 2), kv("b", 3)), [kv("a", 3), kv("b", 3)], whole)).toEqual(["a"]);
  });

  test("compares values only where they were read", () => {
    const [before, read] = [state(kv("a", 2, "x")), [kv("a", 2, "y")]];
    expect(differingKeys(before, read, whole)).toEqual(["a"]);
    expect(differingKeys(before, read, { keysOnly: true })).toEqual([]);
  });
});
