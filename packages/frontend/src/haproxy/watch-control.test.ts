import { createManualClock } from "@msdha/clock";
import { HaproxyUnavailableError } from "@msdha/haproxy-config";
import { describe, expect, it } from "vitest";
import { watchControl } from "./watch-control.ts";

describe("watchControl", () => {
  it("replaces nothing that answers", async () => {
    const trial = start();
    await trial.clock.advance(600_000);
    expect(trial.replaced).toEqual([]);
  });

  it("has some patience while nothing has to change", async () => {
    const trial = start();
    trial.answering = false;
    await trial.clock.advance(10_000);
    expect(trial.replaced).toEqual([]);
    await trial.clock.advance(2_000);
    expect(trial.replaced).toEqual(["no answer"]);
  });

  it("asks every third second while nothing changes, and every second for a while after a change", async () => {
    const trial = start();
    await trial.clock.advance(20_000);
    trial.asked.length = 0;
    await trial.clock.advance(60_000);
    expect(trial.asked).toHaveLength(20);
    await trial.clock.advance(100);
    const changed = trial.clock.now();
    trial.changing();
    trial.asked.length = 0;
    await trial.clock.advance(10_000);
    expect(trial.asked.map((at) => at - changed).slice(0, 3)).toEqual([250, 1_250, 2_250]);
    expect(trial.asked).toHaveLength(10);
  });

  it("asks every second until HAProxy is where it should be", async () => {
    const trial = start();
    trial.settled = false;
    await trial.clock.advance(20_000);
    trial.asked.length = 0;
    await trial.clock.advance(60_000);
    expect(trial.asked).toHaveLength(60);
  });

  it("asks no later for changes that follow each other quickly", async () => {
    const trial = start();
    await trial.clock.advance(20_000);
    trial.asked.length = 0;
    for (let n = 0; n < 20; n += 1) {
      trial.changing();
      await trial.clock.advance(100);
    }
    expect(trial.asked.length).toBeGreaterThanOrEqual(2);
  });

  it("loses no time to its long pauses when a route changes", async () => {
    const trial = start();
    await trial.clock.advance(20_100);
    trial.answering = false;
    trial.troubleSince = trial.clock.now();
    trial.changing();
    await trial.clock.advance(4_000);
    expect(trial.replaced).toEqual(["no answer"]);
  });

  it("has less patience while the route should change", async () => {
    const trial = start();
    trial.answering = false;
    trial.troubleSince = 0;
    await trial.clock.advance(5_000);
    expect(trial.replaced).toEqual(["no answer"]);
  });

  it("does not take one lost answer for the end", async () => {
    const trial = start({ answerMs: 2_000 });
    trial.troubleSince = 0;
    trial.answering = false;
    await trial.clock.advance(4_000);
    trial.answering = true;
    trial.troubleSince = undefined;
    await trial.clock.advance(60_000);
    expect(trial.replaced).toEqual([]);
  });

  it("replaces one that answers and refuses, once until it obeys", async () => {
    const trial = start();
    trial.troubleSince = 0;
    await trial.clock.advance(60_000);
    expect(trial.replaced).toEqual(["it refuses to be led"]);
    trial.troubleSince = undefined;
    await trial.clock.advance(2_000);
    trial.troubleSince = trial.clock.now();
    await trial.clock.advance(7_000);
    expect(trial.replaced).toHaveLength(2);
  });

  it("ends with its signal", async () => {
    const trial = start();
    trial.stop.abort();
    await trial.ended;
    expect(trial.clock.sleeping).toBe(0);
  });
});

interface Trial {
  readonly clock: ReturnType<typeof createManualClock>;
  readonly replaced: unknown[];
  readonly stop: AbortController;
  readonly ended: Promise<void>;
  /** When it was asked. */
  readonly asked: number[];
  changing(): void;
  answering: boolean;
  settled: boolean;
  troubleSince: number | undefined;
}

/** A HAProxy that takes so long to fail to answer. */
function start({ answerMs = 0 }: { readonly answerMs?: number } = {}): Trial {
  const clock = createManualClock();
  const stop = new AbortController();
  const replaced: unknown[] = [];
  const asked: number[] = [];
  const state = { answering: true, settled: true, troubleSince: undefined as number | undefined };
  const showInfo = async (): Promise<ReadonlyMap<string, string>> => {
    asked.push(clock.now());
    if (state.answering) return new Map();
    await clock.sleep(answerMs);
    throw new HaproxyUnavailableError("no answer");
  };
  const watch = watchControl(
    { showInfo },
    {
      clock,
      signal: stop.signal,
      troubleSince: () => state.troubleSince,
      settled: () => state.settled,
      replace: async (why) => {
        replaced.push(why instanceof Error ? why.message : why);
      },
    },
  );
  return Object.assign(state, { clock, replaced, stop, asked, ...watch });
}
