import { createManualClock } from "@msdha/clock";
import { HaproxyUnavailableError, type StatRow } from "@msdha/haproxy-config";
import { createLog } from "@msdha/log";
import { describe, expect, it } from "vitest";
import { closeGently } from "./close-gently.ts";

const { log } = createLog({ level: "silent" });

describe("closeGently", () => {
  it("refuses new connections and waits for the last session to end", async () => {
    const { clock, api, state } = fakeHaproxy(2);
    const hurry = new AbortController().signal;
    const closing = track(closeGently(api, { clock, log, graceMs: 8_000, hurry }));
    await clock.advance(1_000);
    expect([state.disabled, closing.done]).toEqual([true, false]);
    state.sessions = 0;
    await clock.advance(100);
    expect(closing.done).toBe(true);
  });

  it("waits no longer than the grace", async () => {
    const { clock, api } = fakeHaproxy(2);
    const hurry = new AbortController().signal;
    const closing = track(closeGently(api, { clock, log, graceMs: 8_000, hurry }));
    await clock.advance(7_999);
    expect(closing.done).toBe(false);
    await clock.advance(1);
    expect(closing.done).toBe(true);
  });

  it("waits no longer when it is told to hurry", async () => {
    const { clock, api } = fakeHaproxy(2);
    const hurry = new AbortController();
    const closing = track(closeGently(api, { clock, log, graceMs: 8_000, hurry: hurry.signal }));
    await clock.advance(10);
    hurry.abort();
    await clock.advance(0);
    expect(closing.done).toBe(true);
  });

  it("does not fail when HAProxy is gone", async () => {
    const { clock, api, state } = fakeHaproxy(2);
    state.gone = true;
    await closeGently(api, { clock, log, graceMs: 8_000, hurry: new AbortController().signal });
    expect(state.disabled).toBe(false);
  });
});

function track(work: Promise<void>): { readonly done: boolean } {
  const state = { done: false };
  void work.then(() => {
    state.done = true;
  });
  return state;
}

function fakeHaproxy(sessions: number) {
  const state = { sessions, disabled: false, gone: false };
  const answer = async (): Promise<void> => {
    if (state.gone) throw new HaproxyUnavailableError("gone");
  };
  const api = {
    shutdownFrontend: async () => {
      await answer();
      state.disabled = true;
    },
    showStat: async () => {
      await answer();
      return [{ proxy: "fe", server: "FRONTEND", currentSessions: state.sessions } as StatRow];
    },
  };
  return { clock: createManualClock(), api, state };
}
