import { expect, test } from "vitest";
import { isOver, parseView } from "./master-over.ts";

const seen = { revision: 100, hasMaster: false, hasHolder: false, newestTerm: 40 };

test.each([
  ["was published before, and no master is", "40", seen, true],
  ["is older than that", "20", seen, true],
  ["is published", "40", { ...seen, hasMaster: true }, false],
  // The view is from before its publication.
  ["may be about to be published", "60", { ...seen, hasHolder: true }, false],
  ["took the lock after this revision", "101", seen, false],
  ["is in no history, but the lock is free", "60", seen, true],
  ["was published, and another node has the lock", "40", { ...seen, hasHolder: true }, true],
])("tells whether a master is over that %s", (_, token, group, over) => {
  expect(isOver(token, group)).toBe(over);
});

test("reads what the node's backend sees", () => {
  const status = { revision: 7, master: { kind: "none" }, terms: [{ token: 5 }, { token: 3 }] };
  const text = JSON.stringify({ group: "g", by: "node a", ageMs: 3, status });
  expect(parseView(text)).toEqual({ revision: 7, hasMaster: false, hasHolder: false, newestTerm: 5 });
  const held = JSON.stringify({ status: { ...status, holder: "b", master: { kind: "master" }, terms: [] } });
  expect(parseView(held)).toEqual({ revision: 7, hasMaster: true, hasHolder: true, newestTerm: 0 });
});
