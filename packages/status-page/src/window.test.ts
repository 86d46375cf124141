import { expect, it } from "vitest";
import { bounds, move } from "./window.ts";

const now = 10_000_000;
const live = { lengthMs: 900_000, end: undefined };

it("goes back by half its length, and to the hour's beginning at most", () => {
  const back = move(live, -1, now);
  expect(bounds(back, now)).toEqual({ from: 8_650_000, to: 9_550_000 });
  let oldest = back;
  for (let n = 0; n < 20; n++) oldest = move(oldest, -1, now);
  expect(bounds(oldest, now).from).toBe(now - 3_600_000);
});

it("follows the time again when it has come to the end", () => {
  expect(move(move(live, -1, now), 1, now)).toEqual(live);
  expect(bounds(live, now + 5).to).toBe(now + 5);
});
