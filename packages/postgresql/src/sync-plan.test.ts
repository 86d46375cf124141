import { expect, test } from "vitest";
import { parseRecord, type SyncRecord } from "./quorum.ts";
import { LONGEST_AWAY_MS, planSync } from "./sync-plan.ts";

const record = (line: string) => parseRecord(line) as Exclude<SyncRecord, { kind: "none" }>;
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
  const step = planSync({ mode: "strict", record: record(line), connected, missingMs, patienceMs: 5_000 });
  expect(step).toMatchObject(expected);
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
    { step: "wait-again", standbys: ["b", "c"] },
  ],
] as const)("with preferred, %s", (_what, line, connected, missingMs, expected) => {
  const step = planSync({ mode: "preferred", record: record(line), connected, missingMs, patienceMs: 5_000 });
  expect(step).toMatchObject(expected);
});
