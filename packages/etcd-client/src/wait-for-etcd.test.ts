import { createManualClock } from "@msdha/clock";
import { expect, test } from "vitest";
import type { CallOptions, EtcdApi } from "./api.ts";
import { EtcdAuthError, EtcdUnavailableError } from "./errors.ts";
import { waitForEtcd } from "./wait-for-etcd.ts";

/** An etcd whose reads fail with these, one after the other, and then succeed. */
function failing(...errors: Error[]) {
  const calls: CallOptions[] = [];
  const etcd = {
    async range(_: unknown, options: CallOptions) {
      calls.push(options);
      const error = errors.shift();
      if (error) throw error;
      return { kvs: [], revision: 1 };
    },
  };
  return { etcd: etcd as unknown as EtcdApi, calls };
}

const down = () => new EtcdUnavailableError("connection refused");

test("waits until a read is answered, and tells every failed try", async () => {
  const clock = createManualClock();
  const told: Error[] = [];
  const { etcd, calls } = failing(down(), down());
  const waiting = waitForEtcd(etcd, { timeoutMs: 10_000, clock, onRetry: (error) => told.push(error) });
  await clock.advance(499);
  expect(calls).toHaveLength(1);
  await clock.advance(501);
  await waiting;
  expect([calls.length, told.length]).toEqual([3, 2]);
});

test("gives up when its time is over, with the last try's reason", async () => {
  const clock = createManualClock();
  const { etcd } = failing(...Array.from({ length: 100 }, down));
  const waiting = waitForEtcd(etcd, { timeoutMs: 2_000, clock }).catch((error) => ({
    error,
    at: clock.now(),
  }));
  await clock.advance(10_000);
  const outcome = (await waiting) as { error: Error; at: number };
  expect(outcome.error).toBeInstanceOf(EtcdUnavailableError);
  expect(outcome.error.message).toBe("etcd was not there within 2000 ms: connection refused");
  expect(outcome.at).toBeLessThanOrEqual(2_000);
});

test("does not try wrong credentials again", async () => {
  const clock = createManualClock();
  const error = new EtcdAuthError("authentication failed");
  const { etcd, calls } = failing(error);
  await expect(waitForEtcd(etcd, { timeoutMs: 10_000, clock })).rejects.toBe(error);
  expect(calls).toHaveLength(1);
});

test("ends with the reason of its signal between two tries", async () => {
  const clock = createManualClock();
  const stop = new AbortController();
  const { etcd } = failing(down(), down());
  const waiting = waitForEtcd(etcd, { timeoutMs: 10_000, clock, signal: stop.signal });
  const checked = expect(waiting).rejects.toThrow("enough");
  await clock.advance(100);
  stop.abort(new Error("enough"));
  await checked;
  expect(clock.sleeping).toBe(0);
});
