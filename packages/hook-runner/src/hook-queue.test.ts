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

test("runs one call at a time where the first puts in another before it waits", async () => {
  let running = 0;
  let most = 0;
  const done: number[] = [];
  const queue = createHookQueue<number>({
    async run(call) {
      most = Math.max(most, ++running);
      if (call === 1) queue.push(2);
      await new Promise(setImmediate);
      running -= 1;
      done.push(call);
    },
    onError() {},
  });
  queue.push(1);
  await queue.idle();
  expect({ most, done }).toEqual({ most: 1, done: [1, 2] });
});

test("runs calls that are undefined", async () => {
  let runs = 0;
  const queue = createHookQueue<undefined>({
    async run() {
      runs += 1;
    },
    onError() {},
  });
  queue.push(undefined);
  queue.push(undefined);
  await queue.idle();
  expect(runs).toBe(2);
});

test("goes on where `onError` throws, whose error nobody catches", async () => {
  const uncaught: unknown[] = [];
  const before = process.listeners("uncaughtException");
  process.removeAllListeners("uncaughtException").on("uncaughtException", (error) => uncaught.push(error));
  try {
    const runs: number[] = [];
    const wrong = new Error("a mistake");
    const queue = createHookQueue<number>({
      async run(call) {
        runs.push(call);
        throw new Error("failed");
      },
      onError() {
        throw wrong;
      },
    });
    queue.push(1);
    queue.push(2);
    await queue.idle();
    await new Promise(setImmediate);
    expect(runs).toEqual([1, 2]);
    expect(uncaught).toEqual([wrong, wrong]);
  } finally {
    process.removeAllListeners("uncaughtException");
    for (const listener of before) process.on("uncaughtException", listener);
  }
});
