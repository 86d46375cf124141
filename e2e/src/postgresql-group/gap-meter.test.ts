import { expect, test } from "vitest";
import { createGapMeter } from "./gap-meter.ts";

function start(clients: number) {
  let time = 0;
  const meter = createGapMeter(clients, { now: () => time });
  return { meter, pass: (ms: number) => (time += ms) };
}

test("the gap is the longest that any one client waited", () => {
  const { meter, pass } = start(2);
  pass(10);
  meter.acknowledged(0);
  pass(300);
  meter.acknowledged(0);
  pass(5);
  meter.acknowledged(1);
  expect(meter.read()).toMatchObject({ gapMs: 315, acknowledgedRows: 3 });
});

test("a gap that has not ended counts, and so does the part of it from before the stretch", () => {
  const { meter, pass } = start(1);
  meter.acknowledged(0);
  pass(100);
  meter.begin();
  pass(50);
  expect(meter.read()).toMatchObject({ gapMs: 150, acknowledgedRows: 0 });
});

test("a new stretch begins with nothing counted", () => {
  const { meter, pass } = start(1);
  pass(500);
  meter.acknowledged(0);
  meter.refused("starting up");
  meter.broke();
  meter.begin();
  pass(1);
  expect(meter.read()).toEqual({
    gapMs: 1,
    acknowledgedRows: 0,
    refusedConnections: 0,
    brokenSessions: 0,
    refusals: {},
  });
});

test("all are served again once each of them has had a row acknowledged", () => {
  const { meter, pass } = start(2);
  pass(10);
  meter.acknowledged(0);
  expect(meter.allServedSince(5)).toBe(false);
  meter.acknowledged(1);
  expect(meter.allServedSince(5)).toBe(true);
});
