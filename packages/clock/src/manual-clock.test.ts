import { describe, expect, test } from "vitest";
import { createManualClock } from "./manual-clock.ts";

describe("the manual clock", () => {
  test("ends sleeps in order, each at its own time", async () => {
    const clock = createManualClock();
    const ended: [string, number][] = [];
    const note = async (name: string, ms: number): Promise<void> => {
      await clock.sleep(ms);
      ended.push([name, clock.now()]);
    };
    void note("late", 20);
    void note("early", 10);
    await clock.advance(30);
    expect(ended).toEqual([
      ["early", 10],
      ["late", 20],
    ]);
    expect(clock.now()).toBe(30);
  });

  test("lets a sleep that follows from another end within the same advance", async () => {
    const clock = createManualClock();
    let ended = 0;
    void (async () => {
      for (let round = 0; round < 3; round++) await clock.sleep(10);
      ended = clock.now();
    })();
    await clock.advance(100);
    expect(ended).toBe(30);
  });

  test("rejects a sleep with the reason of its signal and forgets it", async () => {
    const clock = createManualClock();
    const stop = new AbortController();
    const sleep = clock.sleep(10, { signal: stop.signal });
    stop.abort(new Error("enough"));
    await expect(sleep).rejects.toThrow("enough");
    expect(clock.sleeping).toBe(0);
    await expect(clock.sleep(10, { signal: stop.signal })).rejects.toThrow("enough");
  });

  test("never ends an infinite sleep by itself", async () => {
    const clock = createManualClock();
    void clock.sleep(Number.POSITIVE_INFINITY);
    await clock.advance(1e12);
    expect(clock.sleeping).toBe(1);
  });
});
