import type { KeyValue, WatchEvent } from "@msdha/etcd-client";
import fc from "fast-check";
import { expect, test } from "vitest";
import { keyValue } from "../test/fake-etcd.ts";
import { applyBatch } from "./apply-batch.ts";
import type { WatchBatch, WatchChanges } from "./batch.ts";
import { createBuffer } from "./buffer.ts";
import { createLimitedWaiting } from "./limited-waiting.ts";

function changes(
  revision: number,
  events: readonly WatchEvent[],
  more: Partial<WatchChanges> = {},
): WatchBatch {
  return { type: "changes", revision, events, resumed: false, resync: false, restored: false, ...more };
}

const put = (key: string, modRevision: number): WatchEvent => ({
  type: "PUT",
  kv: keyValue(key, { modRevision }),
});
const deletion = (key: string, modRevision: number): WatchEvent => ({
  type: "DELETE",
  kv: keyValue(key, { modRevision }),
});
const snapshot: WatchBatch = { type: "snapshot", revision: 1, kvs: [] };

test("gives batches in order, and drops what waits when it ends", async () => {
  const buffer = createBuffer();
  buffer.put(snapshot);
  buffer.put(changes(2, [put("a", 2)]));
  buffer.put(changes(3, [put("a", 3)]));
  expect((await buffer.take()).revision).toBe(1);
  expect((await buffer.take()).revision).toBe(2);
  buffer.end(new Error("over"));
  await expect(buffer.take()).rejects.toThrow("over");
});

test("gives the net difference when more waits than it may", async () => {
  const buffer = createBuffer(createLimitedWaiting(2));
  buffer.put(snapshot);
  buffer.put(changes(2, [put("a", 2), put("b", 2)]));
  await buffer.take();
  await buffer.take();
  buffer.put(changes(3, [put("c", 3)]));
  buffer.put(changes(4, [deletion("a", 4)], { resync: true, restored: true }));
  buffer.put(changes(5, [deletion("c", 5)]));
  buffer.put(changes(6, [put("d", 6)]));
  expect(await buffer.take()).toEqual(
    changes(6, [deletion("a", 6), put("d", 6)], { resync: true, restored: true }),
  );
  buffer.put(changes(7, [put("e", 7)]));
  expect(await buffer.take()).toEqual(changes(7, [put("e", 7)]));
});

test("gives one newer snapshot when the first one was not consumed", async () => {
  const buffer = createBuffer(createLimitedWaiting(1));
  buffer.put(snapshot);
  buffer.put(changes(2, [put("a", 2)]));
  buffer.put(changes(3, [put("b", 3)]));
  expect(await buffer.take()).toMatchObject({
    type: "snapshot",
    revision: 3,
    kvs: [{ key: "a" }, { key: "b" }],
  });
});

test("leads to the same state whatever the limit, and however slow the consumer", async () => {
  const step = fc.oneof(
    fc.record({ key: fc.constantFrom("a", "b", "c"), deleted: fc.boolean() }),
    fc.constant("consume" as const),
  );
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { maxLength: 40 }),
      fc.integer({ min: 1, max: 5 }),
      async (steps, limit) => {
        const buffer = createBuffer(createLimitedWaiting(limit));
        const truth = new Map<string, KeyValue>();
        const consumed = new Map<string, KeyValue>();
        let revision = 1;
        let reached = 0;
        const produce = (batch: WatchBatch): void => {
          applyBatch(truth, batch);
          buffer.put(batch);
        };
        const consume = async (): Promise<void> => {
          const batch = await buffer.take();
          expect(reached === 0).toBe(batch.type === "snapshot");
          applyBatch(consumed, batch);
          reached = batch.revision;
        };
        produce(snapshot);
        for (const each of steps) {
          if (each === "consume") {
            if (reached < revision) await consume();
            continue;
          }
          revision += 1;
          produce(changes(revision, [each.deleted ? deletion(each.key, revision) : put(each.key, revision)]));
        }
        while (reached < revision) await consume();
        expect(consumed).toEqual(truth);
      },
    ),
  );
});
