import { expect, test } from "vitest";
import { type MasterReport, type OtherReport, reportLine, type StandbyReport } from "./report-line.ts";

const standby: StandbyReport = {
  kind: "standby",
  master: "two",
  replayed: 1_000n,
  received: 1_500n,
  timeline: 3,
  paused: false,
  end: 2_000n,
  streams: true,
};

test.each<[string, StandbyReport | MasterReport | OtherReport, string]>([
  ["1000 streams from two", standby, ""],
  ["0 streams from two", { ...standby, replayed: 2_000n }, ""],
  // What the master has said last may be older than what was replayed since.
  ["0 streams from two", { ...standby, replayed: 2_400n }, ""],
  ["1000 replay paused, streams from two", { ...standby, paused: true }, ""],
  ["1000 receives nothing from two", { ...standby, streams: false }, ""],
  ["- receives nothing from two", { ...standby, streams: false, end: undefined }, ""],
  ["- no master; has the log up to 0/5DC of timeline 3", { ...standby, master: undefined }, ""],
  ["0 no standby streams", { kind: "master", standbys: [] }, ""],
  ["0 feeds a c, making a base backup", { kind: "master", standbys: ["a", "c"] }, "making a base backup"],
  ["- the server is starting", { kind: "other", note: "the server is starting" }, ""],
  ["- cloning 71 % from two", { kind: "other", note: "the server does not run" }, "cloning 71 % from two"],
])("reports: %s", (line, report, activity) => {
  expect(reportLine(report, activity)).toBe(line);
});
