import { expect, test } from "vitest";
import { parseBytes } from "./parse-bytes.ts";

test.each([
  ["0", 0],
  ["1048576", 1_048_576],
  ["16MB", 16 * 2 ** 20],
  ["512kB", 512 * 2 ** 10],
  ["1.5gb", 1.5 * 2 ** 30],
  ["7B", 7],
  ["2 TB", 2 * 2 ** 40],
])("reads %s", (text, bytes) => expect(parseBytes(text)).toBe(bytes));

test.each(["", "MB", "-1", "1e3", "16MiB", "16XB", "0x10", "1_000"])("refuses %j", (text) => {
  expect(parseBytes(text)).toBeUndefined();
});
