import { createManualClock } from "@msdha/clock";
import { describe, expect, test } from "vitest";
import { expectFinding } from "../../test/expect-finding.ts";
import { type ClockFacts, checkClock } from "./check-clock.ts";
import type { Finding } from "./finding.ts";
import { measureClock } from "./measure-clock.ts";

describe("the clock", () => {
  const here: ClockFacts = { endpoint: "http://a:2379", rate: 1.004, aheadMs: 300 };

  test("that is well, or that nobody can be asked for", () => {
    expect(checkClock([here, here]).map(({ level }) => level)).toEqual(["ok", "ok"]);
    expect(checkClock([])).toEqual([]);
    // One member's own clock is wrong.
    expect(checkClock([here, { ...here, rate: 1.5 }, here])[0]?.level).toBe("ok");
  });

  test.each<[string, Partial<ClockFacts>, Finding["level"], RegExp]>([
    ["not measured", { rate: undefined }, "warning", /could not be measured/],
    ["too fast", { rate: 1.05 }, "warning", /goes 5 % faster/],
    ["too slow", { rate: 0.95 }, "warning", /goes 5 % slower/],
    ["dangerously fast", { rate: 1.2 }, "error", /goes 20 % faster/],
    ["far ahead", { aheadMs: 90_000 }, "warning", /1 min 30 s ahead of that of etcd http:\/\/a:2379/],
    ["far behind", { aheadMs: -90_000 }, "warning", /1 min 30 s behind that/],
  ])("that is %s", (_what, change, level, text) => {
    expectFinding(checkClock([{ ...here, ...change }]), level, text);
  });

  test.each([1, 1.05, 0.9])("is measured at %d times the speed of etcd's", async (speed) => {
    const clock = createManualClock();
    const member = (): number => 1e12 + 340 + clock.now() / speed;
    const measured = measureClock("http://a", {
      clock,
      ask: async () => Math.floor(member() / 1_000) * 1_000,
      wallNow: () => member() + 2_000,
    });
    await clock.advance(10_000);
    const { rate = 0, aheadMs } = (await measured) ?? { aheadMs: 0 };
    expect(Math.abs(rate - speed)).toBeLessThan(0.02);
    expect(Math.abs(aheadMs - 2_000)).toBeLessThan(50);
  });

  test("is not measured against a member that says no time, or by looks that are too rare", async () => {
    const clock = createManualClock();
    const silent = measureClock("http://a", { clock, ask: async () => undefined, wallNow: Date.now });
    await expect(silent).resolves.toBeUndefined();
    const late = measureClock("http://a", {
      clock,
      async ask() {
        await clock.sleep(200);
        return Math.floor(clock.now() / 1_000) * 1_000;
      },
      wallNow: Date.now,
    });
    await clock.advance(20_000);
    await expect(late).resolves.toMatchObject({ rate: undefined });
  });
});
