import { describe, expect, test } from "vitest";
import { createManualClock } from "./manual-clock.ts";
import { systemClock } from "./system-clock.ts";
import { withTimeout } from "./timeout.ts";

const { signal } = new AbortController();

const noNumbers: readonly [string, unknown][] = [
  ["NaN", Number.NaN],
  ["undefined", undefined],
  ["null", null],
  ['"10"', "10"],
];

describe.each([
  ["the system clock", () => systemClock],
  ["the manual clock", createManualClock],
])("with %s", (_, create) => {
  test.each(noNumbers)("a sleep of %s is refused", async (shown, ms) => {
    const sleep = create().sleep(ms as number, { signal });
    await expect(sleep).rejects.toThrow(
      new TypeError(`expected ms as a number of milliseconds, got ${shown}`),
    );
  });

  test.each(noNumbers)("a time limit of %s is refused before the work begins", async (shown, ms) => {
    let begun = false;
    const work = withTimeout(create(), ms as number, async () => {
      begun = true;
    });
    await expect(work).rejects.toThrow(
      new TypeError(`expected timeoutMs as a number of milliseconds, got ${shown}`),
    );
    expect(begun).toBe(false);
  });
});

test.each([Number.NaN, Number.POSITIVE_INFINITY, "10"] as number[])(
  "the manual clock does not start at %s, nor go on by it",
  async (ms) => {
    const why = /as a finite number of milliseconds, got /;
    expect(() => createManualClock({ startMs: ms })).toThrow(why);
    const clock = createManualClock();
    await expect(clock.advance(ms)).rejects.toThrow(why);
    expect(clock.now()).toBe(0);
  },
);

test("the manual clock does not go back", async () => {
  const clock = createManualClock({ startMs: 10 });
  await clock.advance(-1);
  expect(clock.now()).toBe(10);
});

test.each([0, -5, Number.NEGATIVE_INFINITY])("a time limit of %s is over at once", async (timeoutMs) => {
  const clock = createManualClock();
  const work = withTimeout(clock, timeoutMs, () => new Promise(() => {}));
  const over = expect(work).rejects.toMatchObject({ code: "ERR_TIMEOUT", timeoutMs });
  await clock.advance(0);
  await over;
});

test.each([2 ** 31, 1e12])(
  "a time limit of %d ms is over when it has passed, not before",
  async (timeoutMs) => {
    const clock = createManualClock();
    let isOver = false;
    void withTimeout(clock, timeoutMs, () => new Promise(() => {})).catch(() => {
      isOver = true;
    });
    await clock.advance(timeoutMs - 1);
    expect(isOver).toBe(false);
    await clock.advance(1);
    expect(isOver).toBe(true);
  },
);

test("an infinite time limit is none", async () => {
  const clock = createManualClock();
  const work = withTimeout(clock, Number.POSITIVE_INFINITY, async () => {
    await clock.sleep(1e12);
    return "done";
  });
  await clock.advance(1e12);
  await expect(work).resolves.toBe("done");
});
