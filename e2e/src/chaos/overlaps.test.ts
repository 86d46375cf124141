import { describe, expect, test } from "vitest";
import { parseEntry } from "../support/journal.ts";
import { type OverlapWatch, watchOverlaps } from "./overlaps.ts";

function watch(...lines: readonly string[]): OverlapWatch {
  const overlaps = watchOverlaps();
  for (const line of lines) overlaps.add(parseEntry(line));
  return overlaps;
}

describe("the watch for overlaps", () => {
  test("finds a former master that was alive after the next one's hook had begun", () => {
    const found = watch("master a r1 1 100 7", "beat a r1 1 200", "master b r2 2 250 9", "beat a r1 1 251");
    expect(found.overlaps()).toEqual([{ former: "a", next: "b", promotedAt: 250, aliveAt: 251 }]);
  });

  test("finds it whatever the order of the lines", () => {
    const found = watch("beat a r1 1 251", "master b r2 2 250 9", "master a r1 1 100 7");
    expect(found.overlaps()).toHaveLength(1);
  });

  test("counts a run of the same node as another one", () => {
    expect(watch("master a r1 1 100 7", "master a r2 1 200 9", "beat a r1 1 201").overlaps()).toHaveLength(1);
  });

  test("lets nodes that were not promoted live, and a master until the next one is promoted", () => {
    const found = watch(
      "beat b r2 2 50",
      "master a r1 1 100 7",
      "beat b r2 2 150",
      "beat a r1 1 199",
      "master b r2 2 200 9",
    );
    expect(found.overlaps()).toEqual([]);
  });

  test("counts what is alive after a thaw as an afterlife", () => {
    const found = watch("master a r1 1 100 7", "master b r2 2 250 9");
    found.thawed("a", 300);
    for (const line of ["beat a r1 1 300", "beat a r1 1 312"]) found.add(parseEntry(line));
    expect(found.overlaps()).toEqual([]);
    expect(found.afterlives()).toEqual([{ node: "a", ms: 12 }]);
  });

  test("does not excuse by a thaw what was alive before it", () => {
    const found = watch("master a r1 1 100 7", "master b r2 2 250 9", "beat a r1 1 260");
    found.thawed("a", 300);
    expect(found.overlaps()).toHaveLength(1);
  });

  test("does not excuse a master by a thaw before the next one was promoted", () => {
    const found = watch("master a r1 1 100 7");
    found.thawed("a", 200);
    for (const line of ["master b r2 2 250 9", "beat a r1 1 260"]) found.add(parseEntry(line));
    expect(found.overlaps()).toHaveLength(1);
  });

  test("knows the time of a thaw no better than the clock", () => {
    const found = watch("master a r1 1 100 7", "master b r2 2 310 9");
    found.thawed("a", 299);
    found.add(parseEntry("beat a r1 1 312"));
    expect(found.overlaps()).toEqual([]);
  });

  test("excuses a master that was late when it was thawed and is replaced in that moment, and no other", () => {
    for (const late of [true, false]) {
      const found = watch("master a r1 1 100 7");
      found.thawed("a", 9_000, { late });
      for (const line of ["beat a r1 1 9045", "master b r2 2 9040 9"]) found.add(parseEntry(line));
      expect(found.overlaps()).toHaveLength(late ? 0 : 1);
      found.add(parseEntry("beat a r1 1 10001"));
      expect(found.overlaps()).toHaveLength(1);
    }
  });

  test("finds a token that does not grow", () => {
    const found = watch("master a r1 1 100 7", "master b r2 2 200 7", "master c r3 3 300 8");
    expect(found.staleTokens().map(({ node }) => node)).toEqual(["b"]);
  });
});
