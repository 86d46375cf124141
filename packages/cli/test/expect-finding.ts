import { expect } from "vitest";
import type { Finding } from "../src/doctor/finding.ts";

/** What a check says of something that is well, and of what is not: each of them a line that says what to do. */
export function expectFinding(findings: readonly Finding[], level: Finding["level"], text: RegExp): void {
  const found = findings.filter(({ what }) => text.test(what));
  expect(found.map((each) => each.level)).toContain(level);
  for (const { todo } of found.filter((each) => each.level !== "ok")) expect(todo).toMatch(/\w/);
}
