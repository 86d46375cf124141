import { describe, expect, test } from "vitest";
import {
  compareWithOthers,
  firstNeeded,
  formatRecord,
  neededPositions,
  parseRecord,
  standbyNames,
} from "./quorum.ts";

test.each(["sync 7 a", "sync 7 a b c", "sync:2 7 a b c", "async 7 a"])("reads and writes %s", (line) => {
  const record = parseRecord(line);
  if (record.kind === "none") throw new Error("expected a record");
  expect(formatRecord(record)).toBe(line);
});

test.each(["", "sync", "sync 7", "strict 7 a", "sync:1 7 a", "sync:x 7 a"])(
  "refuses the record %j",
  (line) => {
    expect(() => parseRecord(line)).toThrow(/^expected "sync TOKEN MASTER/);
  },
);

describe("whose positions a candidate needs", () => {
  const own = { member: "b", mark: undefined, fromArchive: false };
  test.each([
    ["nobody where there is no record", undefined, own, { others: [], enough: 0 }],
    ["nobody where commits were acknowledged without a standby", "async 1 a", own, { others: [], enough: 0 }],
    [
      "nobody, as the master with the data that it had",
      "sync 1 b c",
      { ...own, mark: "b 1" },
      { others: [], enough: 0 },
    ],
    ["all others that were in sync", "sync 1 a b c d", own, { others: ["c", "d"], enough: 2 }],
    ["one of them, where each commit is on two", "sync:2 1 a b c d", own, { others: ["c", "d"], enough: 1 }],
    ["nobody, where each commit is on all", "sync:2 1 a b c", own, { others: ["c"], enough: 0 }],
    ["nobody, where no commit was on enough", "sync:3 1 a b c", own, { others: ["c"], enough: 0 }],
    ["nobody, as the only one that was in sync", "sync 1 a b", own, { others: [], enough: 0 }],
    [
      "not at all, where it was not in sync",
      "sync 1 a c",
      own,
      { refusal: "was not in sync with a (in sync: c)" },
    ],
    [
      "not at all, where nobody was",
      "sync 1 a",
      own,
      { refusal: "was not in sync with a (in sync: nobody)" },
    ],
    [
      "not at all, as the master with the mark of an earlier time",
      "sync 2 b c",
      { ...own, mark: "b 1" },
      { refusal: "was not in sync with b (in sync: c)" },
    ],
    [
      "the others, with another master's mark",
      "sync 2 a b c",
      { ...own, mark: "a 2" },
      { others: ["c"], enough: 1 },
    ],
    [
      "nobody, with the data of a master that has acknowledged nothing, under another name",
      "sync 2 a",
      { ...own, mark: "a 2" },
      { others: [], enough: 0 },
    ],
    [
      "nobody, with the data of a master that had too few standbys to acknowledge anything, under another name",
      "sync:2 2 a c",
      { ...own, mark: "a 2" },
      { others: [], enough: 0 },
    ],
    [
      "not at all, with the data of a master that may have acknowledged more since, under another name",
      "sync 2 a c d",
      { ...own, mark: "a 2" },
      {
        refusal:
          "has the data of a under another name, and an older copy of them may lack commits: start one of c d, or give this node the name a again",
      },
    ],
    [
      "not at all, with the data of that name of an earlier time",
      "sync 2 a",
      { ...own, mark: "a 1" },
      { refusal: "was not in sync with a (in sync: nobody)" },
    ],
    [
      "not at all, with data from an archive",
      "sync 1 a b",
      { ...own, fromArchive: true },
      { refusal: "the data are from an archive, which may lack what was acknowledged" },
    ],
  ])("is %s", (_what, line, part, expected) => {
    expect(neededPositions(parseRecord(line), part)).toEqual(expected);
  });
});

describe("what a candidate makes of the others' positions", () => {
  const own = { timeline: 2, bytes: 80n };
  test.each([
    ["may be promoted alone", [], { asFar: [] }],
    [
      "counts on a standby that has exactly as much",
      [
        ["c", 2, 80n],
        ["d", 2, 72n],
      ],
      { asFar: ["c"] },
    ],
    ["gives way to a node that has more", [["c", 2, 88n]], { refusal: "c has received more" }],
    ["gives way to a newer timeline", [["c", 3, 8n]], { refusal: "c has received more" }],
    ["is ahead of an older timeline", [["c", 1, 800n]], { asFar: [] }],
  ] as const)("%s", (_what, others, expected) => {
    const positions = others.map(([name, timeline, bytes]) => [name, { timeline, bytes }] as const);
    expect(compareWithOthers(own, new Map(positions))).toEqual(expected);
  });
});

test.each([
  [1, ["a", "b"], 'ANY 1 ("a", "b")'],
  [2, ["a", "b", "c"], 'ANY 2 ("a", "b", "c")'],
  [1, [], 'ANY 1 ("msdha nobody")'],
  [0, [], ""],
] as const)("has %s of %j written as %s", (needed, standbys, names) => {
  expect(standbyNames(needed, standbys)).toBe(names);
});

test.each([
  ["strict", 2, ["b"], 2],
  ["strict", 1, [], 1],
  ["preferred", 2, ["b"], 1],
  ["preferred", 2, ["b", "c", "d"], 2],
  ["preferred", 2, [], 1],
] as const)(
  "with %s and %d nodes, a master that begins with %j waits for %d",
  (mode, nodes, standbys, needed) => {
    expect(firstNeeded(mode, nodes, standbys)).toBe(needed);
  },
);
