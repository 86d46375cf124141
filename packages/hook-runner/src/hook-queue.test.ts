import { expect, test } from "vitest";
import { createHookQueue } from "./hook-queue.ts";

function setUp() {
  const begun: number[] = [];
  const failed: number[] = [];
  const ends = new Map<number, (error?: Error) => void>();
  const queue = createHookQueue<number>({
    run: (call) => {
      begun.push(call);
      return new Promise((resolve, reject) => ends.set(call, (error) => (error ? reject(error) : resolve())));
    },
    onError: (_error, call) => failed.push(call),
  });
  const end = async (call: number, error?: Error): Promise<void> => {
    ends.get(call)?.(error);
    await new Promise(setImmediate);
  };
  return { queue, begun, failed, end };
}

test("runs calls one at a time, in order", async () => {
  const { queue, begun, end } = setUp();
  for (const call of [1, 2, 3]) queue.push(call);
  expect(begun).toEqual([1]);
  await end(1);
  expect(begun).toEqual([1, 2]);
  await end(2);
  await end(3);
  await queue.idle();
  expect(begun).toEqual([1, 2, 3]);
});

test("goes on after a call that failed", async () => {
  const { queue, begun, failed, end } = setUp();
  queue.push(1);
  queue.push(2);
  await end(1, new Error("broken"));
  expect(failed).toEqual([1]);
  expect(begun).toEqual([1, 2]);
});

test("drops what has not begun when it is closed, and counts it", async () => {
  const { queue, begun, end } = setUp();
  for (const call of [1, 2, 3]) queue.push(call);
  expect(queue.close()).toBe(2);
  queue.push(4);
  await end(1);
  await queue.idle();
  expect(begun).toEqual([1]);
});

test("begins again after it has been idle", async () => {
  const { queue, begun, end } = setUp();
  queue.push(1);
  await end(1);
  queue.push(2);
  expect(begun).toEqual([1, 2]);
});
