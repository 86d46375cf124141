import { expect, test } from "vitest";
import { backupTime, expiredBackups } from "./retention.ts";

const DAY = 86_400_000;
const now = Date.UTC(2026, 10, 20, 12);

/** Labels of backups that are so many days old. */
function backups(...days: readonly number[]): readonly string[] {
  return days.map((age) => {
    const digits = new Date(now - age * DAY).toISOString().replace(/\.\d+/, "").replace(/[-:]/g, "");
    return `00000002-${digits}`;
  });
}

test.each([
  ["all are young", backups(3, 2, 1), 2, 7, []],
  [
    "the newest of the old ones leads to the beginning of the time",
    backups(10, 9, 8, 1),
    2,
    7,
    backups(10, 9),
  ],
  // Two promotions in a row must not push out what one wants to go back to.
  ["there was one after each of many promotions", backups(0.3, 0.2, 0.1, 0.01), 1, 7, []],
  ["the number counts where there are only old ones", backups(40, 30, 20), 2, 7, backups(40)],
  ["the number alone counts", backups(3, 2, 1), 2, 0, backups(3)],
  ["none ever expires", backups(400, 300), 1, Number.POSITIVE_INFINITY, []],
  ["there is none", [], 2, 7, []],
  ["a folder is none", ["of-somebody", ...backups(40, 30)], 1, 7, backups(40)],
])("expires backups where %s", (_, labels, keep, days, expired) => {
  expect(expiredBackups(labels, { now, keep, keepMs: days * DAY })).toEqual(expired);
});

test("orders backups by time, as a timeline that was promoted earlier may end later", () => {
  const labels = ["00000002-20261101T000000Z", "00000003-20261001T000000Z"];
  expect(expiredBackups(labels, { now, keep: 1, keepMs: 0 })).toEqual(["00000003-20261001T000000Z"]);
});

test("reads when a backup was finished", () => {
  expect(backupTime("0000000A-20261120T115959Z")).toBe(now - 1_000);
  expect(backupTime(".new")).toBeNaN();
});
