import { createManualClock } from "@msdha/clock";
import type { Lease } from "@msdha/etcd-lease";
import { expect, test } from "vitest";
import { shareStopTime, startPart, within } from "./stop-time.ts";

const usual = { begun: 1_000, totalMs: 8_000, ttlMs: 10_000, killAt: () => Number.POSITIVE_INFINITY };

test("gives pre_stop half, and the programs all where nothing is kept for stopped", () => {
  const { preStopEnd, programsEnd, end } = shareStopTime({ ...usual, keepForStopped: false });
  expect([preStopEnd, programsEnd, end]).toEqual([5_000, 9_000, 9_000]);
});

test("keeps a quarter for stopped", () => {
  const { preStopEnd, programsEnd, end } = shareStopTime({ ...usual, keepForStopped: true });
  expect([preStopEnd, programsEnd, end]).toEqual([5_000, 7_000, 9_000]);
});

test("shrinks all parts when the kill time comes nearer, and keeps the last look clear of it", () => {
  let killAt = Number.POSITIVE_INFINITY;
  const time = shareStopTime({ ...usual, keepForStopped: true, killAt: () => killAt });
  killAt = 5_250;
  expect([time.preStopEnd, time.programsEnd, time.end]).toEqual([3_000, 4_000, 5_000]);
  killAt = 500;
  expect([time.preStopEnd, time.programsEnd, time.end]).toEqual([1_000, 1_000, 1_000]);
});

function setUp() {
  const clock = createManualClock();
  const lost = new AbortController();
  return { clock, lost, node: { clock, lease: { lost: lost.signal } as Lease } };
}

test("a part is over at its end", async () => {
  const { clock, node } = setUp();
  using part = startPart(node, () => 500, []);
  await clock.advance(499);
  expect(part.over.aborted).toBe(false);
  await clock.advance(1);
  expect(part.over.aborted).toBe(true);
});

test("a part's end is asked again when the lease is lost", async () => {
  const { clock, lost, node } = setUp();
  let end = 5_000;
  using part = startPart(node, () => end, []);
  await clock.advance(1_000);
  end = 2_000;
  lost.abort(new Error("lost"));
  await clock.advance(1_000);
  expect(part.over.aborted).toBe(true);
});

test("a part is over as soon as somebody is in a hurry, and leaves no sleep behind", async () => {
  const { clock, node } = setUp();
  const hurry = new AbortController();
  {
    using part = startPart(node, () => 5_000, [hurry.signal]);
    const work = within(part, new Promise(() => {}));
    hurry.abort(new Error("now"));
    expect(await work).toBe(false);
    expect(await within(part, Promise.resolve())).toBe(false);
  }
  expect(clock.sleeping).toBe(0);
});

test("work that rejects has not been done", async () => {
  const { node } = setUp();
  using part = startPart(node, () => 5_000, []);
  expect(await within(part, Promise.resolve())).toBe(true);
  expect(await within(part, Promise.reject(new Error("no")))).toBe(false);
});
