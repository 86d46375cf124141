import { expect, test } from "vitest";
import { endOfSegment, formatLsn, parseLsn, segmentNumber, timelineDigits } from "./lsn.ts";

test.each([
  ["0/0", 0n],
  ["0/3000060", 0x3000060n],
  ["16/B374D848", 0x16b374d848n],
  ["FFFFFFFF/FFFFFFFF", 2n ** 64n - 1n],
])("reads and writes %s", (text, lsn) => {
  expect(parseLsn(text)).toBe(lsn);
  expect(formatLsn(lsn)).toBe(text);
});

test.each(["", "0", "0/", "x/0", "0/123456789"])("refuses %j", (text) => {
  expect(() => parseLsn(text)).toThrow(/expected a position in the log/);
});

test.each([
  ["0/3000060", 16_777_216, "0000000000000003"],
  ["1/0", 16_777_216, "0000000100000000"],
  ["1/FFFFFFFF", 16_777_216, "00000001000000FF"],
  ["2/500000", 1_048_576, "0000000200000005"],
])("knows the file of %s with files of %d bytes", (lsn, bytes, number) => {
  expect(segmentNumber(parseLsn(lsn), bytes)).toBe(number);
});

test("writes a timeline in eight digits", () => {
  expect(timelineDigits(26)).toBe("0000001A");
});

test.each([
  ["000000010000000000000003", 16_777_216, "0/4000000"],
  ["0000000A00000001000000FF", 16_777_216, "2/0"],
  ["000000010000000200000005", 1_048_576, "2/600000"],
])("knows the end of the file %s with files of %d bytes", (name, bytes, end) => {
  expect(formatLsn(endOfSegment(name, bytes))).toBe(end);
});
