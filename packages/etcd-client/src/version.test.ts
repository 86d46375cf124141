import { expect, test } from "vitest";
import { describeOldVersion } from "./version.ts";

test.each(["3.3.27", "3.4.23", "3.4.41", "3.5.0", "3.5.27", "3.6.0", "3.6.8", "2.3.8", "3.5.27-pre"])(
  "%s has known faults",
  (version) => {
    expect(describeOldVersion(version)).toMatch(new RegExp(`^etcd ${version} .*CVE-2026-33343.*3\\.5\\.28`));
  },
);

test.each([
  "3.4.42",
  "3.4.50",
  "3.5.28",
  "3.6.9",
  "3.6.10",
  "3.7.0",
  "4.0.0",
  "3.10.1",
  undefined,
  "",
  "main",
])("%s has none", (version) => {
  expect(describeOldVersion(version)).toBeUndefined();
});
