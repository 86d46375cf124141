import { createManualClock, type ManualClock } from "@msdha/clock";
import { HaproxyUnavailableError, type SessionProgress, type SessionRow } from "@msdha/haproxy-config";
import { describe, expect, it } from "vitest";
import { settleYoung } from "./settle-young.ts";

describe("settleYoung", () => {
  it("waits for nobody where no session is young", async () => {
    const trial = start([{ id: "0x1", server: "m0", ageSeconds: 2 }]);
    await trial.clock.advance(0);
    expect(trial.settledAt()).toBe(0);
  });

  it("waits for no session of another server", async () => {
    const trial = start([{ id: "0x1", server: "parking", ageSeconds: 0 }]);
    await trial.clock.advance(0);
    expect(trial.settledAt()).toBe(0);
  });

  it("waits for a young session to end", async () => {
    const trial = start([young("0x1")]);
    trial.talk("0x1", 5, 0);
    await trial.clock.advance(500);
    expect(trial.settledAt()).toBeUndefined();
    trial.end("0x1");
    await trial.clock.advance(15);
    expect(trial.settledAt()).toBe(510);
  });

  it("waits a moment for one that has had its answer and is at rest, so that an idle pool costs little", async () => {
    const trial = start([young("0x1")]);
    trial.talk("0x1", 300, 500);
    await trial.clock.advance(60);
    expect(trial.settledAt()).toBe(45);
  });

  it("waits longer for a client to go on where processes wait for a processor", async () => {
    const trial = start([young("0x1")], { strain: () => 10 });
    trial.talk("0x1", 300, 500);
    await trial.clock.advance(390);
    expect(trial.settledAt()).toBeUndefined();
    await trial.clock.advance(30);
    expect(trial.settledAt()).toBe(405);
  });

  it("waits longer as soon as they do", async () => {
    let strain = 1;
    const trial = start([young("0x1")], { strain: () => strain });
    trial.talk("0x1", 300, 500);
    await trial.clock.advance(30);
    strain = 5;
    await trial.clock.advance(150);
    expect(trial.settledAt()).toBeUndefined();
    await trial.clock.advance(30);
    expect(trial.settledAt()).toBe(210);
  });

  it("waits for the server while it owes an answer, however long it takes", async () => {
    const trial = start([young("0x1")]);
    trial.talk("0x1", 8, 100);
    await trial.clock.advance(15);
    trial.talk("0x1", 80, 100);
    await trial.clock.advance(3_000);
    expect(trial.settledAt()).toBeUndefined();
    trial.talk("0x1", 80, 200);
    await trial.clock.advance(9_000);
    expect(trial.settledAt()).toBeDefined();
  });

  it("does not wait for one that talks on and on without a pause", async () => {
    const trial = start([young("0x1")]);
    for (let step = 1; step <= 40; step += 1) {
      trial.talk("0x1", 8 * step, 100 * step);
      await trial.clock.advance(15);
    }
    expect(trial.settledAt()).toBeLessThanOrEqual(330);
  });

  it("waits through the pauses of a slow login", async () => {
    const trial = start([young("0x1")]);
    trial.talk("0x1", 8, 0);
    for (let step = 1; step <= 4; step += 1) {
      await trial.clock.advance(200);
      trial.talk("0x1", 8 + 50 * step, 50 * step);
    }
    expect(trial.settledAt()).toBeUndefined();
    await trial.clock.advance(300);
    expect(trial.settledAt()).toBeUndefined();
    await trial.clock.advance(200);
    expect(trial.settledAt()).toBeDefined();
  });

  it("waits for a server that is to speak first, and not for a silence on both sides that lasts", async () => {
    const trial = start([young("0x1")]);
    trial.talk("0x1", 0, 0);
    await trial.clock.advance(190);
    expect(trial.settledAt()).toBeUndefined();
    await trial.clock.advance(100);
    expect(trial.settledAt()).toBe(210);
  });

  it("waits no longer than ten seconds", async () => {
    const trial = start([young("0x1")]);
    trial.talk("0x1", 8, 0);
    await trial.clock.advance(10_500);
    expect(trial.settledAt()).toBeGreaterThanOrEqual(10_000);
  });

  it("does not wait for a HAProxy that can't be asked", async () => {
    const trial = start([young("0x1")], { broken: true });
    await trial.clock.advance(0);
    expect(trial.settledAt()).toBe(0);
  });
});

function young(id: string): SessionRow {
  return { id, server: "m0", ageSeconds: 0 };
}

interface Trial {
  readonly clock: ManualClock;
  /** The bytes that were sent and answered so far. */
  talk(id: string, sent: number, answered: number): void;
  end(id: string): void;
  settledAt(): number | undefined;
}

function start(
  rows: SessionRow[],
  { broken = false, strain = () => 1 }: { readonly broken?: boolean; readonly strain?: () => number } = {},
): Trial {
  const clock = createManualClock();
  const sessions = new Map<string, SessionProgress>();
  let settledAt: number | undefined;
  const api = {
    showSessions: async (): Promise<SessionRow[]> => {
      if (broken) throw new HaproxyUnavailableError("gone");
      return rows;
    },
    showProgress: async (ids: readonly string[]) => new Map([...sessions].filter(([id]) => ids.includes(id))),
  };
  void settleYoung(api, { clock, signal: new AbortController().signal, strain }).then(() => {
    settledAt = clock.now();
  });
  return {
    clock,
    talk: (id, sent, answered) => sessions.set(id, { server: "m0", sent, answered }),
    end: (id) => sessions.delete(id),
    settledAt: () => settledAt,
  };
}
