import { expect, test } from "vitest";
import { formatSize, parseSize } from "./sizes.ts";

test.each([
  ["1MB", 1_048_576],
  ["64 kB", 65_536],
  ["0B", 0],
  ["2TB", 2_199_023_255_552],
  ["infinity", Number.POSITIVE_INFINITY],
  ["1", undefined],
  ["1mb", undefined],
  ["", undefined],
  ["-1MB", undefined],
])("reads %j as %s", (text, bytes) => {
  expect(parseSize(text)).toBe(bytes);
});

test.each([
  [0, "0 B"],
  [1_023, "1023 B"],
  [1_025, "2 kB"],
  [64_000_000, "62 MB"],
])("writes %d as %s", (bytes, text) => {
  expect(formatSize(bytes)).toBe(text);
});
