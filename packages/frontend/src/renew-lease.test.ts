import { createManualClock } from "@msdha/clock";
import { EtcdUnavailableError } from "@msdha/etcd-client";
import { describe, expect, it } from "vitest";
import { renewLease } from "./renew-lease.ts";

const TTL_MS = 10_000;

describe("renewLease", () => {
  it("renews well before the lease ends, and goes on", async () => {
    const trial = start();
    await trial.clock.advance(60_000);
    expect(trial.asked.slice(0, 3)).toEqual([4_000, 8_000, 12_000]);
    expect(trial.gone).toBe(false);
  });

  it("goes along with other requests, but not with each", async () => {
    const trial = start();
    for (let ms = 0; ms < 30_000; ms += 1_000) {
      await trial.clock.advance(1_000);
      trial.renewSoon();
    }
    await trial.clock.advance(0);
    expect(trial.asked.slice(0, 3)).toEqual([3_000, 6_000, 9_000]);
  });

  it("tries again soon, for ever, while etcd does not answer", async () => {
    const trial = start();
    trial.answer = "none";
    await trial.clock.advance(5_000);
    expect(trial.asked.length).toBeGreaterThanOrEqual(3);
    await trial.clock.advance(60_000);
    expect(trial.gone).toBe(false);
    trial.answer = TTL_MS / 1_000;
    await trial.clock.advance(400);
    trial.asked.length = 0;
    await trial.clock.advance(10_000);
    expect(trial.asked.length).toBeLessThanOrEqual(3);
  });

  it("ends when etcd says that the lease is gone", async () => {
    const trial = start();
    trial.answer = 0;
    await trial.clock.advance(4_000);
    expect(trial.gone).toBe(true);
    expect(trial.clock.sleeping).toBe(0);
  });

  it("rejects with the reason of its signal, and leaves nothing behind", async () => {
    const trial = start();
    trial.stop.abort(new Error("enough"));
    await expect(trial.ended).rejects.toThrow("enough");
    expect(trial.clock.sleeping).toBe(0);
    expect(trial.asked).toEqual([]);
  });
});

interface Trial {
  readonly clock: ReturnType<typeof createManualClock>;
  readonly stop: AbortController;
  /** When it was renewed. */
  readonly asked: number[];
  readonly ended: Promise<void>;
  readonly renewSoon: () => void;
  answer: number | "none";
  gone: boolean;
}

/** A lease of 10 s that was asked for at 0. */
function start(): Trial {
  const clock = createManualClock();
  const stop = new AbortController();
  const asked: number[] = [];
  const state = { answer: (TTL_MS / 1_000) as number | "none", gone: false };
  const etcd = {
    async leaseKeepAlive() {
      asked.push(clock.now());
      if (state.answer === "none") throw new EtcdUnavailableError("no answer");
      return state.answer;
    },
  };
  const { gone, renewSoon } = renewLease(etcd, "1", {
    ttlMs: TTL_MS,
    grantedAt: 0,
    clock,
    signal: stop.signal,
  });
  const trial = Object.assign(state, { clock, stop, asked, ended: gone, renewSoon });
  gone.then(
    () => {
      trial.gone = true;
    },
    () => {},
  );
  return trial;
}
