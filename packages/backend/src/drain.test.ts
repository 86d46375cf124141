import { createManualClock } from "@msdha/clock";
import { createGroupView, type FrontendEntry, type GroupView } from "@msdha/group";
import { createLog } from "@msdha/log";
import { describe, expect, test } from "vitest";
import { drain } from "./drain.ts";
import type { Node } from "./node.ts";

const TOKEN = 12;
const DRAIN_MS = 100;
const TIMEOUT_MS = 3_000;

describe("drain", () => {
  test("takes the fixed time where no frontend is registered, also if none is set", async () => {
    for (const drainMs of [DRAIN_MS, undefined]) {
      const trial = start([], { drainMs });
      await trial.clock.advance(99);
      expect(trial.over()).toBe(false);
      await trial.clock.advance(1);
      expect(trial.over()).toBe(true);
    }
  });

  test("takes the time that is set, also where every registered frontend has confirmed", async () => {
    const trial = start([TOKEN], { drainMs: DRAIN_MS });
    await trial.clock.advance(DRAIN_MS - 1);
    expect(trial.over()).toBe(false);
    await trial.clock.advance(1);
    expect(trial.over()).toBe(true);
  });

  test("is over when every registered frontend has left this master, and no other one", async () => {
    const trial = start([0, 11]);
    await trial.clock.advance(1_000);
    expect(trial.over()).toBe(false);
    trial.show([TOKEN, 11]);
    await trial.clock.advance(500);
    expect(trial.over()).toBe(false);
    trial.show([TOKEN, TOKEN]);
    await trial.clock.advance(0);
    expect(trial.over()).toBe(true);
  });

  test("is over as soon as every registered frontend has confirmed, where no time is set", async () => {
    const trial = start([0, 0]);
    await trial.clock.advance(10);
    trial.show([TOKEN, 0]);
    await trial.clock.advance(10);
    expect(trial.over()).toBe(false);
    trial.show([TOKEN, TOKEN]);
    await trial.clock.advance(0);
    expect(trial.over()).toBe(true);
  });

  test("does not wait for a frontend that is gone", async () => {
    const trial = start([0]);
    trial.show([]);
    await trial.clock.advance(0);
    expect(trial.over()).toBe(true);
  });

  test("waits no longer than it may", async () => {
    const trial = start([0]);
    await trial.clock.advance(TIMEOUT_MS - 1);
    expect(trial.over()).toBe(false);
    await trial.clock.advance(1);
    expect(trial.over()).toBe(true);
  });

  test("ends with the main process, and with the lease", async () => {
    const exited = start([0]);
    exited.exit();
    await exited.clock.advance(0);
    expect(exited.over()).toBe(true);
    const lost = start([0]);
    lost.lose();
    await lost.clock.advance(0);
    expect(lost.over()).toBe(true);
  });

  test("is none where it is switched off", async () => {
    const trial = start([0], { drainMs: 0 });
    await trial.clock.advance(0);
    expect(trial.over()).toBe(true);
  });
});

/** A master that drains, in a group whose frontends have left these tokens. */
function start(left: readonly number[], { drainMs }: { readonly drainMs?: number | undefined } = {}) {
  const clock = createManualClock();
  const lost = new AbortController();
  const exited = Promise.withResolvers<never>();
  let view = viewOf(left);
  let changed = Promise.withResolvers<void>();
  let over = false;
  const node = {
    clock,
    config: { drainMs, drainTimeoutMs: TIMEOUT_MS, stopTimeoutMs: 8_000 },
    succession: { overtaken: new AbortController().signal },
    haste: new AbortController().signal,
    lease: { lost: lost.signal },
    role: { kind: "master", lead: { token: TOKEN }, trafficSince: undefined, term: {} },
    log: createLog({ level: "silent" }).log,
    main: { exited: exited.promise },
    follower: {
      get view() {
        return view;
      },
      changed: ({ timeoutMs = 0, signal }: { timeoutMs?: number; signal?: AbortSignal }) =>
        Promise.race([changed.promise, clock.sleep(timeoutMs, { signal })]),
    },
  } as unknown as Node;
  void drain(node).then(() => {
    over = true;
  });
  return {
    clock,
    over: () => over,
    show(tokens: readonly number[]) {
      view = viewOf(tokens);
      changed.resolve();
      changed = Promise.withResolvers();
    },
    exit: () => exited.reject(new Error("it ended")),
    lose: () => lost.abort(new Error("lost")),
  };
}

function viewOf(left: readonly number[]): GroupView {
  const entries = left.map((token, index): [string, FrontendEntry] => [
    `f${index}`,
    { host: `host${index}`, left: token },
  ]);
  return { ...createGroupView("db"), frontends: new Map(entries) };
}
