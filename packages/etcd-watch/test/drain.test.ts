import { expect, test } from "vitest";
import type { WatchBatch } from "../src/batch.ts";
import { createBuffer } from "../src/buffer.ts";

const snapshot: WatchBatch = { type: "snapshot", revision: 1, kvs: [] };

/** How long it takes to consume so many batches that wait, in ms. */
async function drain(count: number): Promise<number> {
  const buffer = createBuffer();
  for (let n = 0; n < count; n += 1) buffer.put(snapshot);
  const startedAt = performance.now();
  for (let n = 0; n < count; n += 1) await buffer.take();
  return performance.now() - startedAt;
}

test("400,000 batches that wait are consumed in about eight times the time of 50,000", async () => {
  await drain(1_000);
  const few = await drain(50_000);
  // In quadratic time it would be sixty-four times.
  expect(await drain(400_000)).toBeLessThan(32 * few);
});
