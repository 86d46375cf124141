import fc from "fast-check";
import { describe, expect, it, vi } from "vitest";
import { HaproxyUnavailableError } from "./errors.ts";
import type { Route } from "./next-step.ts";
import type { ServerRow } from "./parse-answers.ts";
import { createPool } from "./pool.ts";
import type { SwitcherClock } from "./reconcile.ts";
import type { RuntimeApi, StateChange } from "./runtime-api.ts";
import { createSwitcher, type Switcher } from "./switcher.ts";

const a: Route = { kind: "serve", owner: "1", address: "10.0.0.1", port: 5432 };
const b: Route = { kind: "serve", owner: "2", address: "10.0.0.2", port: 5432 };

describe("createSwitcher", () => {
  it.each([Number.NaN, Number.POSITIVE_INFINITY, -1, 2 ** 31])("refuses to drain for %d ms", (drainMs) => {
    expect(() => createSwitcher(fakeHaproxy().api, { drainMs })).toThrow(/^drainMs: expected a number of /);
    expect(() => createPool(fakeHaproxy().api, { drainMs })).toThrow(/^drainMs: expected a number of /);
  });

  it("resolves a route with whether HAProxy got there", async () => {
    const haproxy = fakeHaproxy();
    const switcher = createSwitcher(haproxy.api, { drainMs: 120, clock: haproxy.clock });
    const [overtaken, arrived] = [switcher.route(a), switcher.route(b)];
    expect(await Promise.all([overtaken, arrived])).toEqual([false, true]);
    expect(haproxy.ready()).toEqual(["10.0.0.2:5432"]);
    expect(await switcher.route(b)).toBe(true);
    haproxy.failing = true;
    const never = switcher.route(a);
    await switcher[Symbol.asyncDispose]();
    expect(await never).toBe(false);
    expect(await switcher.route(b)).toBe(false);
  });

  it("a route that was asked for again is waited for through a restart of HAProxy", async () => {
    const haproxy = fakeHaproxy();
    await using switcher = createSwitcher(haproxy.api, { drainMs: 120, clock: haproxy.clock });
    haproxy.failing = true;
    const arrived = switcher.route(a);
    haproxy.restart();
    haproxy.failing = false;
    switcher.replay();
    expect(await arrived).toBe(true);
    expect(haproxy.ready()).toEqual(["10.0.0.1:5432"]);
  });

  it.each([
    ["slots: expected two names or more", { slots: ["one", "one"] }],
    ["slots: expected a name of letters", { slots: ["one", "b/c"] }],
    ["backend: expected a name of letters", { backend: "a;b" }],
  ])("refuses names that HAProxy can't have: %s", (why, names) => {
    expect(() => createSwitcher(fakeHaproxy().api, { drainMs: 120, ...names })).toThrow(why);
  });

  it("does nothing before it is told where to", () => {
    const haproxy = fakeHaproxy();
    const switcher = createSwitcher(haproxy.api, { drainMs: 120, clock: haproxy.clock });
    expect(switcher.settled).toBe(true);
    expect(haproxy.commands).toEqual([]);
  });

  it("switches in the order that loses no connection", async () => {
    const haproxy = fakeHaproxy();
    const switcher = createSwitcher(haproxy.api, { drainMs: 120, clock: haproxy.clock });
    await arrive(switcher, a);
    await arrive(switcher, b);
    expect(haproxy.commands).toEqual([
      "m0 10.0.0.1:5432",
      "m0 ready",
      "m1 10.0.0.2:5432",
      "m0 drain, m1 ready",
      "sleep 120",
      "m0 maint",
    ]);
  });

  it("does nothing when it is told the same again", async () => {
    const haproxy = fakeHaproxy();
    const switcher = createSwitcher(haproxy.api, { drainMs: 120, clock: haproxy.clock });
    await arrive(switcher, a);
    const before = haproxy.commands.length;
    await arrive(switcher, { ...a });
    expect(haproxy.commands.slice(before)).toEqual([]);
  });

  it("brings a HAProxy that was started anew to where the last one was", async () => {
    const haproxy = fakeHaproxy();
    const switcher = createSwitcher(haproxy.api, { drainMs: 120, clock: haproxy.clock });
    await arrive(switcher, a);
    haproxy.restart();
    switcher.replay();
    await settled(switcher);
    expect(haproxy.ready()).toEqual(["10.0.0.1:5432"]);
  });

  it("sends nobody to where a HAProxy begins that is started anew just before a server is made ready", async () => {
    const haproxy = fakeHaproxy();
    const setServerStates: typeof haproxy.api.setServerStates = async (...given) => {
      if (haproxy.everReady.size === 0) haproxy.restart();
      await haproxy.api.setServerStates(...given);
    };
    const api = { ...haproxy.api, setServerStates };
    await arrive(createSwitcher(api, { drainMs: 120, clock: haproxy.clock }), a);
    expect([...haproxy.everReady]).toEqual(["10.0.0.1:5432"]);
  });

  it("does not wait for a drain to end when something else is wanted", async () => {
    const haproxy = fakeHaproxy({ sleepForEver: true });
    const switcher = createSwitcher(haproxy.api, { drainMs: 120, clock: haproxy.clock });
    await arrive(switcher, a);
    void switcher.route({ kind: "none" });
    await vi.waitFor(() => expect(haproxy.commands).toContain("sleep 120"));
    void switcher.route(a);
    await settled(switcher);
    expect(haproxy.ready()).toEqual(["10.0.0.1:5432"]);
  });

  it("says that HAProxy can't be led and tries until it can", async () => {
    const haproxy = fakeHaproxy();
    const troubles: unknown[] = [];
    const onTrouble = (error: unknown): void => {
      troubles.push(error);
      if (troubles.length === 3) haproxy.failing = false;
    };
    const switcher = createSwitcher(haproxy.api, { drainMs: 120, clock: haproxy.clock, onTrouble });
    haproxy.failing = true;
    await arrive(switcher, a);
    expect(troubles).toHaveLength(3);
    expect(troubles[0]).toBeInstanceOf(HaproxyUnavailableError);
    expect(haproxy.commands.filter((command) => command.startsWith("sleep"))).toEqual([
      "sleep 10",
      "sleep 20",
      "sleep 40",
    ]);
  });

  it("goes on where a callback throws, and lets what it throws end the process", async () => {
    const haproxy = fakeHaproxy();
    const thrown = (where: string) => (): never => {
      throw new Error(where);
    };
    await using uncaught = catchUncaught();
    const callbacks = { onStep: thrown("step"), onSettled: thrown("settled"), onTrouble: thrown("trouble") };
    const switcher = createSwitcher(haproxy.api, { drainMs: 120, clock: haproxy.clock, ...callbacks });
    haproxy.failing = true;
    const arrived = switcher.route(a);
    await vi.waitFor(() => expect(uncaught.messages).toContain("trouble"));
    haproxy.failing = false;
    expect(await arrived).toBe(true);
    await turns(1);
    uncaught.messages.length = 0;
    expect(await switcher.route(b)).toBe(true);
    expect(switcher.settled).toBe(true);
    expect(haproxy.ready()).toEqual(["10.0.0.2:5432"]);
    await switcher[Symbol.asyncDispose]();
    await turns(1);
    expect(uncaught.messages).toEqual(["step", "step", "step", "settled"]);
  });

  it("leaves HAProxy as it is when it is disposed of", async () => {
    const haproxy = fakeHaproxy();
    const switcher = createSwitcher(haproxy.api, { drainMs: 120, clock: haproxy.clock });
    await arrive(switcher, a);
    await switcher[Symbol.asyncDispose]();
    void switcher.route({ kind: "none" });
    expect(haproxy.ready()).toEqual(["10.0.0.1:5432"]);
  });

  it("arrives wherever it was last told to, however it was overtaken, and never has two slots ready", async () => {
    const route = fc.oneof(
      fc.record({
        kind: fc.constant("serve" as const),
        owner: fc.constantFrom("1", "2", "3"),
        address: fc.constantFrom("10.0.0.1", "10.0.0.2", "::1"),
        port: fc.constantFrom(1, 5432),
      }),
      fc.record({ kind: fc.constant("drain" as const), owner: fc.constantFrom("1", "2", "3") }),
      fc.constant({ kind: "none" as const }),
    );
    const event = fc.oneof(
      { weight: 6, arbitrary: route },
      { weight: 1, arbitrary: fc.constant("restart" as const) },
      { weight: 3, arbitrary: fc.integer({ min: 1, max: 12 }) },
    );
    const trial = fc.asyncProperty(fc.array(event, { maxLength: 25 }), route, async (events, last) => {
      const haproxy = fakeHaproxy();
      const switcher = createSwitcher(haproxy.api, { drainMs: 120, clock: haproxy.clock });
      for (const entry of events) {
        if (typeof entry === "number") await turns(entry);
        else if (entry === "restart") {
          haproxy.restart();
          switcher.replay();
        } else void switcher.route(entry);
      }
      await arrive(switcher, last);
      expect(haproxy.mostReady).toBeLessThanOrEqual(1);
      expect(haproxy.everReady).not.toContain(NOWHERE);
      expect(haproxy.ready()).toEqual(last.kind === "serve" ? [`${last.address}:${last.port}`] : []);
      if (last.kind !== "drain") expect(haproxy.rows.filter(({ state }) => state === "drain")).toEqual([]);
    });
    await fc.assert(trial, { numRuns: 300 });
  });
});

/** Collects the messages of uncaught exceptions, which would end the process. */
function catchUncaught(): AsyncDisposable & { readonly messages: string[] } {
  const messages: string[] = [];
  process.setUncaughtExceptionCaptureCallback((error) => messages.push(error.message));
  return {
    messages,
    [Symbol.asyncDispose]: async () => {
      await turns(1);
      process.setUncaughtExceptionCaptureCallback(null);
    },
  };
}

async function arrive(switcher: Switcher, route: Route): Promise<void> {
  void switcher.route(route);
  await settled(switcher);
}

async function settled(switcher: Switcher): Promise<void> {
  while (!switcher.settled) await turns(1);
}

async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setImmediate(resolve));
}

interface FakeHaproxy {
  readonly api: Pick<RuntimeApi, "showServers" | "setServerAddress" | "setServerStates">;
  readonly clock: SwitcherClock;
  readonly commands: string[];
  readonly rows: ServerRow[];
  readonly mostReady: number;
  /** Where new sessions have ever gone. */
  readonly everReady: ReadonlySet<string>;
  failing: boolean;
  restart(): void;
  ready(): string[];
}

/** Where a server of a HAProxy that was just started sends its sessions. */
const NOWHERE = "127.0.0.1:1";

/** HAProxy's slots in memory; sleeping takes no time, unless it takes for ever. */
function fakeHaproxy({ sleepForEver = false } = {}): FakeHaproxy {
  const commands: string[] = [];
  const fresh = (): ServerRow[] =>
    ["m0", "m1", "parking"].map((name) => ({
      name,
      address: "127.0.0.1",
      port: 1,
      state: name === "parking" ? "ready" : "maint",
    }));
  let now = 0;
  let mostReady = 0;
  const everReady = new Set<string>();
  const change = (name: string, to: Partial<ServerRow>): void => {
    fake.rows = fake.rows.map((row) => (row.name === name ? { ...row, ...to } : row));
    mostReady = Math.max(mostReady, fake.ready().length);
    for (const address of fake.ready()) everReady.add(address);
  };
  const answer = async (): Promise<void> => {
    await turns(1);
    if (fake.failing) throw new HaproxyUnavailableError("not there");
  };
  const fake = {
    rows: fresh(),
    failing: false,
    commands,
    everReady,
    get mostReady() {
      return mostReady;
    },
    restart: () => {
      fake.rows = fresh();
    },
    ready: () =>
      fake.rows
        .filter(({ name, state }) => name !== "parking" && state === "ready")
        .map(({ address, port }) => `${address}:${port}`),
    clock: {
      now: () => now,
      sleep: async (ms: number, { signal }: { readonly signal: AbortSignal }) => {
        commands.push(`sleep ${ms}`);
        await turns(1);
        if (sleepForEver)
          await new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
        signal.throwIfAborted();
        now += ms;
      },
    },
    api: {
      showServers: async () => {
        await answer();
        return fake.rows;
      },
      setServerAddress: async (
        _: string,
        name: string,
        { address, port }: { address: string; port: number },
      ) => {
        await answer();
        commands.push(`${name} ${address}:${port}`);
        change(name, { address, port });
      },
      setServerStates: async (_: string, changes: readonly StateChange[]) => {
        await answer();
        commands.push(changes.map(({ server, state }) => `${server} ${state}`).join(", "));
        for (const { server, state, to } of changes) change(server, { ...to, state });
      },
    },
  };
  return fake;
}
