import { expect, test } from "vitest";
import { createMessageQueue } from "./message-queue.ts";

test("a reader that comes late gets everything in order, then the error again and again", async () => {
  const queue = createMessageQueue<number>();
  queue.push(1);
  queue.push(2);
  const error = new Error("over");
  queue.fail(error);
  queue.fail(new Error("a second failure does not count"));
  queue.push(3);
  expect([await queue.read(), await queue.read()]).toEqual([1, 2]);
  await expect(queue.read()).rejects.toBe(error);
  await expect(queue.read()).rejects.toBe(error);
});

test("a reader that waits is woken by a message and by the end", async () => {
  const queue = createMessageQueue<number>();
  const first = queue.read();
  queue.push(1);
  expect(await first).toBe(1);
  const second = queue.read();
  const error = new Error("over");
  queue.fail(error);
  await expect(second).rejects.toBe(error);
});

test("messages that come while others are read keep their order", async () => {
  const queue = createMessageQueue<number>();
  const read: number[] = [];
  for (let index = 0; index < 1_000; index += 1) {
    queue.push(index);
    if (index % 3 === 0) read.push(await queue.read());
  }
  while (read.length < 1_000) read.push(await queue.read());
  expect(read).toEqual(Array.from({ length: 1_000 }, (_, index) => index));
});
