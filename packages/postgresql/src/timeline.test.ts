import { expect, test } from "vitest";
import { branchOf, compareHistories, newestTimeline } from "./timeline.ts";

test.each([
  ["a node without log", { timeline: undefined, record: undefined }, { newest: 3, record: "aa" }, "same"],
  [
    "a node on the first timeline",
    { timeline: 1, record: undefined },
    { newest: 3, record: undefined },
    "same",
  ],
  ["a node on the first timeline, asked in vain", { timeline: 1, record: undefined }, undefined, "same"],
  ["a server that does not answer", { timeline: 2, record: "aa" }, undefined, "unknown"],
  [
    "a server without log",
    { timeline: 2, record: "aa" },
    { newest: undefined, record: undefined },
    "unknown",
  ],
  [
    "a server that never was on the timeline",
    { timeline: 3, record: "aa" },
    { newest: 2, record: undefined },
    "parted",
  ],
  ["the same record", { timeline: 2, record: "aa" }, { newest: 2, record: "aa" }, "same"],
  ["another record at its place", { timeline: 2, record: "aa" }, { newest: 2, record: "bb" }, "twin"],
  [
    "a server that has nothing at its place yet",
    { timeline: 2, record: "aa" },
    { newest: 2, record: undefined },
    "same",
  ],
  ["a server on a newer timeline", { timeline: 2, record: "aa" }, { newest: 3, record: "bb" }, "same"],
] as const)("finds of %s: %s", (_what, own, theirs, kinship) => {
  expect(compareHistories(own, theirs)).toBe(kinship);
});

test.each([
  [[], undefined],
  [["archive_status", "00000002.history"], undefined],
  [["000000010000000000000001", "000000020000000000000001", "00000003.history"], 2],
  [["0000000A0000000000000001", "000000090000000000000002", "0000000B0000000000000001.partial"], 10],
])("finds the newest timeline of %j", (names, timeline) => {
  expect(newestTimeline(names)).toBe(timeline);
});

test.each([
  ["1\t0/3000060\tno recovery target specified\n", { timeline: 1, at: 0x3000060n }],
  ["1\t0/3000060\tx\n\n2\t0/50000A0\ty\n", { timeline: 2, at: 0x50000a0n }],
  ["# a comment\n", undefined],
])("finds where a timeline branched off in %j", (history, branch) => {
  expect(branchOf(history)).toEqual(branch);
});
