import { expect, test } from "vitest";
import { bytesToCopy, isNoRoom } from "./rewind-log.ts";

test("reads from a trial how much a rewind writes at most", () => {
  const trial =
    "pg_rewind: servers diverged at WAL location 0/3000000 on timeline 1\n" +
    "pg_rewind: need to copy 35 MB (total source directory size is 60 MB)\n";
  expect(bytesToCopy(trial)).toBe(36 * 2 ** 20);
  expect(bytesToCopy("pg_rewind: Done!\n")).toBeUndefined();
});

test.each([
  ["cp: error writing '/data.msdha-new/rewind-log.new/1': No space left on device", true],
  ["cp: error writing '/data.msdha-new/rewind-log.new/1': Disk quota exceeded", true],
  ["ENOSPC: no space left on device, mkdir '/data.msdha-new/rewind-log.new'", true],
  ["cp: cannot open '/data/pg_wal/1' for reading: Input/output error", false],
])("knows want of room: %s", (message, expected) => {
  expect(isNoRoom(message)).toBe(expected);
});
