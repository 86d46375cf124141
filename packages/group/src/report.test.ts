import { expect, test } from "vitest";
import { parseReport, readReportLine, writeReport } from "./report.ts";

test.each([
  ["0", { behind: 0, note: "" }],
  ["1288490188 cloning 71 %", { behind: 1_288_490_188, note: "cloning 71 %" }],
  ["- waits for its master ", { behind: undefined, note: "waits for its master" }],
  [" 12\tcatches up ", { behind: 12, note: "catches up" }],
  ["-", { behind: undefined, note: "" }],
])("reads %j", (line, report) => {
  expect(readReportLine(line)).toEqual(report);
  expect(parseReport(writeReport(report))).toEqual(report);
});

test.each(["", "12kB", "-1", "1.5", "cloning", "12,5", "1e3", "9999999999999999"])("refuses %j", (line) => {
  expect(readReportLine(line)).toBeUndefined();
});

test("cuts a long note between characters", () => {
  const { note = "" } = readReportLine(`0 ${"🐘".repeat(500)}`) ?? {};
  expect(note).toBe(`${"🐘".repeat(99)}…`);
});

test.each([
  ["evil", { behind: undefined, note: "" }],
  ['{"behind":-1,"note":7}', { behind: undefined, note: "" }],
  ['{"behind":1e300,"note":"n"}', { behind: undefined, note: "n" }],
])("leaves out what no node writes: %s", (text, report) => {
  expect(parseReport(text)).toEqual(report);
});
