import { expect, test } from "vitest";
import { createSpinWatch } from "./spin-watch.ts";

function spinsAt(stepMs: number, events: number): boolean {
  const watch = createSpinWatch();
  return Array.from({ length: events }, (_, index) => watch.spins(index * stepMs)).includes(true);
}

test("a loop that lets next to no time pass is noticed, and many events at one time are not", () => {
  expect(spinsAt(1e-6, 60_000)).toBe(true);
  expect(spinsAt(0, 60_000)).toBe(true);
  expect(spinsAt(0, 10_000)).toBe(false);
  expect(spinsAt(0.01, 200_000)).toBe(false);
});
