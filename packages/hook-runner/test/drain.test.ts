import { expect, test } from "vitest";
import { createHookQueue } from "../src/index.ts";

/** How long it takes to run so many calls that wait, in ms. */
async function drain(count: number): Promise<number> {
  const queue = createHookQueue<number>({ run: async () => {}, onError: () => {} });
  const startedAt = performance.now();
  for (let call = 0; call < count; call += 1) queue.push(call);
  await queue.idle();
  return performance.now() - startedAt;
}

test("400,000 calls that wait are run in about eight times the time of 50,000", async () => {
  await drain(1_000);
  const few = await drain(50_000);
  // In quadratic time it would be sixty-four times.
  expect(await drain(400_000)).toBeLessThan(32 * few);
});
