import { execFileSync } from "node:child_process";
import { expect, test } from "vitest";
import { applicationName, isNeverPromoted, memberOf, neverPromoted, slotOf } from "./names.ts";

test.each([
  ["a", "a"],
  ["db-1.example", "db-1.example"],
  ["DB1", slotOf("DB1")],
  ["node with spaces", slotOf("node with spaces")],
  ["x".repeat(60), "x".repeat(60)],
  ["x".repeat(61), slotOf("x".repeat(61))],
])("calls the standby of node %s %s", (node, member) => {
  expect(memberOf(node)).toBe(member);
});

test.each(["a", "DB-1", "x".repeat(70), "nöde", ""])(
  "gives node %j a slot with its POSIX checksum",
  (node) => {
    const checksum = execFileSync("cksum", { input: node, encoding: "utf8" }).split(" ")[0];
    const slot = slotOf(node);
    expect(slot).toMatch(/^msdha_[a-z0-9_]{0,40}_\d+$/);
    expect(slot.endsWith(`_${checksum}`)).toBe(true);
  },
);

test("gives two names that have the same letters two slots", () => {
  expect(slotOf("a.b")).not.toBe(slotOf("a-b"));
});

const LONG = "x".repeat(60);
test.each([
  ["b", "normal", 1, "", "b"],
  ["b", "normal", 2, "msdha_b_1", "b"],
  ["b", "normal", 2, "", "b (without slot)"],
  ["b", "never", 1, "msdha_b_1", "b (never the master)"],
  [LONG, "never", 2, "", `${LONG} (n`],
] as const)(
  "has %s with priority %s, %d nodes and slot %j connect as %s",
  (member, priority, syncNodes, slot, name) => {
    expect(applicationName(member, { priority, syncNodes }, slot)).toBe(name);
    expect(isNeverPromoted(name)).toBe(priority === "never");
    if (priority === "never") expect(neverPromoted(member)).toBe(name);
  },
);
