import { expect, test } from "vitest";
import { createBlame } from "./blame.ts";
import { createWaits } from "./waits.ts";

const ttlMs = 3_000;

function blame(waitedMs: number) {
  const waits = createWaits();
  waits.add({ from: 4_000, to: 5_000, host: "e1", who: "e1 etcd 7", ms: waitedMs });
  for (const [host, who] of [
    ["n1", "n1 beater.pl 8"],
    ["n2", "n2 MainThread 9"],
    ["hub", "hub MainThread 6"],
  ] as const) {
    waits.add({ from: 5_000, to: 6_000, host, who, ms: 880 });
  }
  return createBlame({ waits, ttlMs, tell: () => {} });
}

test("puts a lost lease down to the machine when etcd was measured to wait for it", () => {
  const starved = blame(800);
  starved.lost("n1", 6_000);
  expect(starved.losses).toEqual({ forTheMachine: 1, unexplained: 0 });
  expect(starved.disturbedAt()).toBe(6_000);

  const idle = blame(700);
  idle.lost("n1", 6_000);
  expect(idle.losses).toEqual({ forTheMachine: 0, unexplained: 1 });
  expect(idle.disturbedAt()).toBe(0);
});

test("puts no more of a lateness down to the machine than was measured", () => {
  const starved = blame(900);
  expect(starved.late("round 1", { from: 0, to: 15_000, overMs: 850 })).toBe(true);
  expect(starved.late("round 2", { from: 0, to: 15_000, overMs: 1_000 })).toBe(false);
  expect(starved.late("round 3", { from: 6_000, to: 20_000, overMs: 10 })).toBe(false);
  expect(starved.lateness).toEqual(["round 1; e1 etcd 7 had to wait for 900 ms of it"]);
});
