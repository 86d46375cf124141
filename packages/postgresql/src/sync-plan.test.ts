import { expect, test } from "vitest";
import { parseRecord, type SyncRecord } from "./quorum.ts";
import { LONGEST_AWAY_MS, planSync, type SyncSituation } from "./sync-plan.ts";

/** Plans with the record of this line, and a patience of 5 s. */
function plan({
  line,
  ...situation
}: Omit<SyncSituation, "record" | "patienceMs"> & { readonly line: string }): ReturnType<typeof planSync> {
  const record = parseRecord(line) as Exclude<SyncRecord, { kind: "none" }>;
  return planSync({ ...situation, record, patienceMs: 5_000 });
}

const nothing = { step: "nothing" };

test.each([
  ["counts on a standby that joins", "sync 1 a b", ["b", "c"], 0, { step: "count-on", standbys: ["b", "c"] }],
  [
    "counts on one that joins while another is gone",
    "sync 1 a b",
    ["c"],
    0,
    { step: "count-on", standbys: ["b", "c"] },
  ],
  ["does nothing where all are there", "sync 1 a b c", ["b", "c"], 0, { ...nothing, missing: false }],
  ["waits for one that is gone", "sync 1 a b c", ["b"], LONGEST_AWAY_MS - 1, { ...nothing, missing: true }],
  [
    "forgets one that stays away",
    "sync 1 a b c",
    ["b"],
    LONGEST_AWAY_MS,
    { step: "forget", gone: ["c"], staying: ["b"] },
  ],
  ["never forgets the last one", "sync 1 a b", [], 1_000_000, { ...nothing, missing: true }],
  ["does nothing without any standby ever", "sync 1 a", [], 1_000_000, { ...nothing, missing: true }],
] as const)("with strict, %s", (_what, line, connected, missingMs, expected) => {
  expect(plan({ mode: "strict", nodes: 1, line, connected, missingMs })).toMatchObject(expected);
});

test.each([
  ["waits for its patience", "sync 1 a b", [], 4_999, { ...nothing, missing: true }],
  ["then acknowledges alone", "sync 1 a b", [], 5_000, { step: "acknowledge-alone" }],
  ["goes on alone", "async 1 a", [], 0, { ...nothing, missing: false }],
  [
    "waits again for all that are back",
    "async 1 a",
    ["b", "c"],
    0,
    { step: "wait-again", needed: 1, standbys: ["b", "c"] },
  ],
] as const)("with preferred, %s", (_what, line, connected, missingMs, expected) => {
  expect(plan({ mode: "preferred", nodes: 1, line, connected, missingMs })).toMatchObject(expected);
});

test.each([
  [
    "strict",
    "waits while fewer are there",
    "sync:2 1 a b c",
    ["b"],
    1_000_000,
    { ...nothing, missing: true },
  ],
  [
    "strict",
    "forgets one that is gone while there are enough",
    "sync:2 1 a b c d",
    ["b", "c"],
    LONGEST_AWAY_MS,
    { step: "forget", gone: ["d"], staying: ["b", "c"] },
  ],
  ["preferred", "waits for its patience", "sync:2 1 a b c", ["b"], 4_999, { ...nothing, missing: true }],
  [
    "preferred",
    "then does with fewer",
    "sync:2 1 a b c",
    ["b"],
    5_000,
    { step: "wait-for-fewer", needed: 1 },
  ],
  ["preferred", "does with none at last", "sync:2 1 a b c", [], 5_000, { step: "acknowledge-alone" }],
  ["preferred", "waits for more again", "sync 1 a b c", ["b", "c"], 0, { step: "wait-for-more", needed: 2 }],
  ["preferred", "counts on who joins first", "sync 1 a b", ["b", "c"], 0, { step: "count-on" }],
  [
    "preferred",
    "waits again for as many as there are",
    "async 1 a",
    ["b"],
    0,
    { step: "wait-again", needed: 1 },
  ],
] as const)("with %s and two nodes, %s", (mode, _what, line, connected, missingMs, expected) => {
  expect(plan({ mode, nodes: 2, line, connected, missingMs })).toMatchObject(expected);
});
