import { expect, test } from "vitest";
import { findParts, parseLog } from "./parts.ts";
import { describeEvent, findProblems, toJson } from "./report.ts";
import type { EventResult } from "./run-event.ts";

const planned: EventResult = {
  kind: "planned-stop",
  gapMs: 400,
  refusedConnections: 0,
  acknowledgedRows: 300,
  missingRows: 0,
  brokenSessions: 4,
  refusals: {},
  formerMaster: "n1",
  master: "n2",
  parts: { stopMs: 50, stoppedHookMs: 20, masterHookMs: 130 },
};
const report = { ttlSeconds: 3, coldStartMs: 7_000, events: [planned], overlaps: 0 };

test("the object has the figures and nothing else", () => {
  expect(JSON.parse(toJson(report))).toEqual({
    ttlSeconds: 3,
    coldStartMs: 7_000,
    events: [
      { kind: "planned-stop", gapMs: 400, refusedConnections: 0, acknowledgedRows: 300, missingRows: 0 },
    ],
  });
});

test("the line for people takes the program's own time out of the gap", () => {
  expect(describeEvent(planned)).toMatch(/n1 -> n2 {2}client gap 0\.40 s .*, the rest 0\.20 s\)/);
});

test("a planned stop that loses a row or refuses a connection is a problem, and so is a second master", () => {
  expect(findProblems(report)).toEqual([]);
  const lossy = { ...planned, missingRows: 2, refusedConnections: 1 };
  expect(findProblems({ ...report, events: [lossy], overlaps: 1 })).toEqual([
    "2 acknowledged rows were lost in a planned stop",
    "1 connections were refused in a planned stop",
    "1 rows were acknowledged by a former master after its successor's first",
  ]);
});

test("what asynchronous replication loses when a node dies is told, and is no problem", () => {
  expect(findProblems({ ...report, events: [{ ...planned, kind: "node-kill", missingRows: 1 }] })).toEqual(
    [],
  );
});

test("the parts of a gap are read from the two nodes' logs, from the event on", () => {
  const former = `90 x [1] LOG:  received fast shutdown request
100 INFO  ending: asked to stop by SIGTERM
150 x [1] LOG:  received fast shutdown request
200 x [1] LOG:  database system is shut down
230 INFO  a hook has run hook=stopped`;
  const next = `240 INFO  is the master token=7
370 INFO  a hook has run hook=master`;
  expect(findParts(parseLog(former, 95), parseLog(next, 95))).toEqual({
    stopMs: 50,
    stoppedHookMs: 30,
    masterHookMs: 130,
  });
});

test("a part that the logs don't tell is left out", () => {
  expect(findParts([], [])).toEqual({ stopMs: undefined, stoppedHookMs: undefined, masterHookMs: undefined });
});
