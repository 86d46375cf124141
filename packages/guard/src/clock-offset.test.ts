import { expect, test } from "vitest";
import { createClockOffset } from "./clock-offset.ts";

function setUp() {
  const leaps: number[] = [];
  return { leaps, offset: createClockOffset({ onLeap: (ms) => leaps.push(ms) }) };
}

test("narrows the offset down, whichever way of a message took long", () => {
  const { leaps, offset } = setUp();
  offset.take({ theirs: 1_000, sentAt: Number.NEGATIVE_INFINITY, receivedAt: 140 });
  expect(offset.ahead).toBe(860);
  offset.take({ theirs: 1_100, sentAt: 199, receivedAt: 230 });
  expect(offset.ahead).toBe(870);
  offset.take({ theirs: 1_200, sentAt: 260, receivedAt: 301 });
  expect(offset.ahead).toBe(899);
  offset.take({ theirs: 1_300, sentAt: 300, receivedAt: 9_000 });
  expect(offset.ahead).toBe(899);
  expect(leaps).toEqual([]);
});

test("gets smaller when our clock leaps forward, and tells it", () => {
  const { leaps, offset } = setUp();
  offset.take({ theirs: 1_000, sentAt: 100, receivedAt: 101 });
  offset.take({ theirs: 2_000, sentAt: 4_100, receivedAt: 4_101 });
  expect(offset.ahead).toBe(-2_101);
  expect(leaps).toEqual([2_999]);
  offset.take({ theirs: 3_000, sentAt: 5_100, receivedAt: 5_101 });
  expect(leaps).toHaveLength(1);
});

test("stays when our clock is left behind, and tells it once", () => {
  const { leaps, offset } = setUp();
  offset.take({ theirs: 1_000, sentAt: 100, receivedAt: 101 });
  for (const at of [200, 300]) offset.take({ theirs: at + 60_900, sentAt: at, receivedAt: at + 1 });
  expect(offset.ahead).toBe(900);
  expect(leaps).toEqual([-59_999]);
});

test("takes a rounded clock for the same one", () => {
  const { leaps, offset } = setUp();
  offset.take({ theirs: 1_000, sentAt: 100, receivedAt: 101 });
  offset.take({ theirs: 2_000, sentAt: 1_110, receivedAt: 1_111 });
  offset.take({ theirs: 3_000, sentAt: 2_090, receivedAt: 2_091 });
  expect(leaps).toEqual([]);
});
