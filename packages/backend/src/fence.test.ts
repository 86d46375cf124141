import { expect, test } from "vitest";
import { createFence } from "./fence.ts";

function setUp() {
  const told: number[] = [];
  const guard = { setDeadline: async (at: number | undefined) => void told.push(at ?? Number.NaN) };
  return { told, fence: createFence(guard, { ttlMs: 1_000, seen: 0 }) };
}

test("tells the guard nothing before it is armed", async () => {
  const { told, fence } = setUp();
  fence.proven(500);
  expect(told).toEqual([]);
  await fence.arm();
  expect(told).toEqual([2_250]);
});

test("has the kill time follow the proofs, 1.75 TTLs behind, and never back", async () => {
  const { told, fence } = setUp();
  await fence.arm();
  fence.proven(400);
  fence.proven(300);
  expect(told).toEqual([1_750, 2_150, 2_150]);
});

test("leaves one TTL once the lease may be lost, and less where the kill time is sooner", async () => {
  const unarmed = setUp();
  unarmed.fence.close(5_000);
  expect(unarmed.told).toEqual([6_000]);
  const early = setUp();
  await early.fence.arm();
  early.fence.close(100);
  expect(early.told.at(-1)).toBe(1_100);
  const late = setUp();
  await late.fence.arm();
  late.fence.close(1_000);
  expect(late.told.at(-1)).toBe(1_750);
});

test("gives no more time once it is closed", async () => {
  const { told, fence } = setUp();
  await fence.arm();
  expect(fence.killAt).toBe(Number.POSITIVE_INFINITY);
  fence.close(1_000);
  expect(fence.killAt).toBe(1_750);
  fence.proven(5_000);
  fence.close(9_000);
  await fence.arm();
  expect(told.at(-1)).toBe(1_750);
});

test("kills now, and for good, once it has expired", async () => {
  const { told, fence } = setUp();
  await fence.arm();
  fence.expire();
  fence.proven(5_000);
  fence.close(9_000);
  await fence.arm();
  expect(told.at(-1)).toBe(Number.NEGATIVE_INFINITY);
  expect(fence.killAt).toBe(Number.NEGATIVE_INFINITY);
});
