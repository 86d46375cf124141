import { expect, test } from "vitest";
import { describeLeap } from "./describe-leap.ts";

test("a leap that counts is called a suspend, and one that does not names its likely cause", () => {
  expect(describeLeap({ ms: 20_000.4, counted: 19_990 })).toBe(
    "the machine's uptime leapt by 20000 ms: it was suspended for 19990 ms, which count",
  );
  expect(describeLeap({ ms: 60_000, counted: 0 })).toContain("not counted");
});
