import { expect, test } from "vitest";
import { branchesOf, compareHistories, leftBefore, newestTimeline } from "./timeline.ts";

const second = "1\t0/3000060\tx\n";
const third = `${second}2\t0/50000A0\tx\n`;
const thirdElsewhere = `${second}2\t0/50000F0\tx\n`;
const fourth = `${third}3\t0/70000A0\tx\n`;
const first = { timeline: 3, at: 0x50000a0n, bytes: "aa" };
const checkpoint = { timeline: 3, at: 0x6000000n, bytes: "cc" };
const late = { timeline: 3, at: 0x7000100n, bytes: "dd" };
const ownThird = { timeline: 3, history: third, records: [checkpoint, first] };

test.each([
  [
    "a node without log",
    { timeline: undefined, history: undefined, records: [] },
    { newest: 3, history: third, records: [] },
    "same",
  ],
  [
    "a node on the first timeline",
    { timeline: 1, history: undefined, records: [] },
    { newest: 3, history: third, records: [] },
    "same",
  ],
  [
    "a node on the first timeline, asked in vain",
    { timeline: 1, history: undefined, records: [] },
    undefined,
    "same",
  ],
  ["a server that does not answer", ownThird, undefined, "unknown"],
  ["a server without log", ownThird, { newest: undefined, history: undefined, records: [] }, "unknown"],
  [
    "a server that never was on the timeline",
    ownThird,
    { newest: 2, history: second, records: [] },
    "parted",
  ],
  ["the same records", ownThird, { newest: 3, history: third, records: ["cc", "aa"] }, "same"],
  ["another checkpoint at its place", ownThird, { newest: 3, history: third, records: ["bb", "aa"] }, "twin"],
  ["another first record", ownThird, { newest: 3, history: third, records: [undefined, "bb"] }, "twin"],
  [
    "a server that has nothing at its places yet",
    ownThird,
    { newest: 3, history: third, records: [undefined, undefined] },
    "same",
  ],
  [
    "a timeline of its number that began elsewhere",
    ownThird,
    { newest: 3, history: thirdElsewhere, records: [] },
    "twin",
  ],
  ["a server on a newer timeline", ownThird, { newest: 4, history: fourth, records: ["cc", "aa"] }, "same"],
  [
    "a server on a newer timeline, with another first record",
    ownThird,
    { newest: 4, history: fourth, records: ["cc", "bb"] },
    "twin",
  ],
  [
    "a server that left the timeline before its checkpoint",
    { ...ownThird, records: [late] },
    { newest: 4, history: fourth, records: ["ee"] },
    "same",
  ],
  [
    "a server on a newer timeline, whose third began elsewhere",
    ownThird,
    { newest: 4, history: `${thirdElsewhere}3\t0/70000A0\tx\n`, records: ["bb", "bb"] },
    "parted",
  ],
  [
    "a newer timeline after one that is a twin",
    { timeline: 4, history: fourth, records: [first] },
    { newest: 3, history: third, records: ["bb"] },
    "twin",
  ],
  [
    "servers without their history files",
    { ...ownThird, history: undefined },
    { newest: 3, history: undefined, records: ["bb"] },
    "twin",
  ],
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
  expect(branchesOf(history).at(-1)).toEqual(branch);
});

test.each([
  ["before it", 2, 0x4000000n, false],
  ["where it ends", 2, 0x5000000n, false],
  ["behind it", 2, 0x5000001n, true],
  ["on the timeline that it is on", 3, 0x9000000n, false],
  ["on a timeline that it does not know", 4, 0x9000000n, false],
])("a history has left a timeline before a place %s", (_what, timeline, place, left) => {
  const history = "1\t0/174CAD8\tx\n\n2\t0/5000000\tx\n";
  expect(leftBefore({ newest: 3, history }, timeline, place)).toBe(left);
  expect(leftBefore({ newest: 3, history: undefined }, timeline, place)).toBe(false);
  expect(leftBefore({ newest: undefined, history }, timeline, place)).toBe(false);
});
