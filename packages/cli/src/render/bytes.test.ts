import { expect, test } from "vitest";
import { formatBytes } from "./bytes.ts";

test.each([
  [0, "0 B"],
  [1_000, "1000 B"],
  [1_024, "1.0 kB"],
  [524_288, "512 kB"],
  [1_048_575, "1.0 MB"],
  [1_288_490_188, "1.2 GB"],
  [16 * 2 ** 30, "16 GB"],
  [9_999 * 2 ** 40, "9999 TB"],
])("shows %i as %s", (bytes, text) => expect(formatBytes(bytes)).toBe(text));
