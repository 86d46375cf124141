import { expect, test } from "vitest";
import { findStopTrouble } from "./stop-trouble.ts";

const usual = { stopTimeoutMs: 8_000, drainMs: 100 };
const unit = { unit: "db.service", killMode: "mixed", stopMs: 90_000 };

test("the defaults fit a container of Docker's, and a unit with KillMode=mixed", () => {
  expect(findStopTrouble(usual, { systemd: undefined, container: true })).toEqual([]);
  expect(findStopTrouble(usual, { systemd: unit, container: false })).toEqual([]);
});

test.each([
  [
    "systemd's default KillMode",
    usual,
    { systemd: { ...unit, killMode: "control-group" } },
    /KillMode=mixed/,
  ],
  ["a unit that is killed sooner", usual, { systemd: { ...unit, stopMs: 8_500 } }, /TimeoutStopSec/],
  [
    "a stop that Docker would cut",
    { ...usual, stopTimeoutMs: 25_000 },
    { container: true },
    /stop_grace_period/,
  ],
  ["a drain that takes the time of the program", { ...usual, drainMs: 5_000 }, {}, /MSDHA_DRAIN \(5 s\)/],
])("says so of %s", (_, settings, surroundings, line) => {
  const lines = findStopTrouble(settings, { systemd: undefined, container: false, ...surroundings });
  expect(lines).toHaveLength(1);
  expect(lines[0]).toMatch(line);
});
