import { expect, it } from "vitest";
import { createPace } from "./pace.ts";

it("lets a second's worth pass at once, and makes the next ones wait their turn", async () => {
  const pace = createPace(50, { now: () => 1_000_000 });
  const passed: number[] = [];
  const turns = Array.from({ length: 53 }, (_, index) => pace.turn().then(() => passed.push(index)));
  await new Promise((resolve) => setImmediate(resolve));
  expect(passed).toHaveLength(50);
  await Promise.all(turns);
  expect(passed).toEqual(Array.from({ length: 53 }, (_, index) => index));
});
