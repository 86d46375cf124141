import { expect, test } from "vitest";
import { createManualClock } from "./manual-clock.ts";
import { TimeoutError, withTimeout } from "./timeout.ts";

test("passes on what the work resolves with and leaves no sleep behind", async () => {
  const clock = createManualClock();
  await expect(withTimeout(clock, 10, async () => "done")).resolves.toBe("done");
  await clock.advance(0);
  expect(clock.sleeping).toBe(0);
});

test("passes on what the work rejects with", async () => {
  const work = async (): Promise<never> => {
    throw new Error("broken");
  };
  await expect(withTimeout(createManualClock(), 10, work)).rejects.toThrow("broken");
});

test("rejects with a TimeoutError when the time is over and aborts the work's signal with it", async () => {
  const clock = createManualClock();
  let given: AbortSignal | undefined;
  const work = withTimeout(clock, 10, (signal) => {
    given = signal;
    return new Promise(() => {});
  });
  const outcome = expect(work).rejects.toBeInstanceOf(TimeoutError);
  await clock.advance(10);
  await outcome;
  expect(given?.reason).toBeInstanceOf(TimeoutError);
});

test("rejects with the reason of the caller's signal, before the work when it has aborted already", async () => {
  const clock = createManualClock();
  const stop = new AbortController();
  const work = withTimeout(clock, 10, () => new Promise(() => {}), { signal: stop.signal });
  stop.abort(new Error("enough"));
  await expect(work).rejects.toThrow("enough");
  let begun = false;
  const late = withTimeout(
    clock,
    10,
    async () => {
      begun = true;
    },
    { signal: stop.signal },
  );
  await expect(late).rejects.toThrow("enough");
  expect(begun).toBe(false);
});
