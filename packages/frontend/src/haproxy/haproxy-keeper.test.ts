import { createManualClock } from "@msdha/clock";
import { HaproxyUnavailableError } from "@msdha/haproxy-config";
import { createLog } from "@msdha/log";
import { describe, expect, it } from "vitest";
import { HaproxyStartError } from "../errors.ts";
import { type HaproxyKeeper, keepHaproxy } from "./haproxy-keeper.ts";
import type { HaproxyProcess } from "./haproxy-process.ts";

const { log } = createLog({ level: "silent" });

describe("keepHaproxy", () => {
  it("says why the first HAProxy ended", async () => {
    const world = fakeWorld({ complaint: "cannot bind socket" });
    world.answering = false;
    const kept = keep(world);
    world.last().end("exit code 1");
    await expect(kept).rejects.toThrow(new HaproxyStartError("HAProxy ended: cannot bind socket"));
    expect(world.started).toHaveLength(1);
  });

  it("starts a HAProxy that ended again, and says so when the new one answers", async () => {
    const world = fakeWorld();
    const haproxy = await keep(world);
    world.last().end("killed by SIGKILL");
    await world.clock.advance(0);
    expect(haproxy.running).toBe(false);
    await world.clock.advance(50);
    await world.until(() => haproxy.running);
    expect([haproxy.restarts, haproxy.pid, world.replaced]).toEqual([1, 2, 1]);
    await haproxy[Symbol.asyncDispose]();
  });

  it("waits longer between HAProxies that end at once", async () => {
    const world = fakeWorld();
    const haproxy = await keep(world);
    for (const pauseMs of [50, 100, 200]) {
      const before = world.started.length;
      world.last().end("exit code 1");
      await world.clock.advance(pauseMs - 1);
      expect(world.started).toHaveLength(before);
      await world.clock.advance(1);
      expect(world.started).toHaveLength(before + 1);
      await world.until(() => haproxy.running);
    }
    await haproxy[Symbol.asyncDispose]();
  });

  it("tries again when there is no process to be had", async () => {
    const world = fakeWorld();
    const haproxy = await keep(world);
    world.exhausted = true;
    world.last().end("killed by SIGKILL");
    await world.clock.advance(50);
    expect([haproxy.running, world.started.length]).toEqual([false, 1]);
    world.exhausted = false;
    await world.clock.advance(100);
    await world.until(() => haproxy.running);
    expect([haproxy.restarts, world.started.length, world.replaced]).toEqual([2, 2, 1]);
    await haproxy[Symbol.asyncDispose]();
  });

  it("ends HAProxy and does not start it again when it is disposed of", async () => {
    const world = fakeWorld();
    const haproxy = await keep(world);
    await haproxy[Symbol.asyncDispose]();
    expect(world.last().signals).toEqual(["SIGTERM"]);
    await world.clock.advance(60_000);
    expect(world.started).toHaveLength(1);
  });

  it("replaces one that is told to go, and resolves when the next one answers", async () => {
    const world = fakeWorld({ stubborn: true });
    const haproxy = await keep(world);
    const replaced = haproxy.replace();
    expect(haproxy.running).toBe(false);
    await world.clock.advance(50);
    await replaced;
    expect([haproxy.running, haproxy.restarts, haproxy.pid]).toEqual([true, 1, 2]);
    expect(world.started[0]?.signals).toEqual(["SIGKILL"]);
    const ended = haproxy[Symbol.asyncDispose]();
    await world.clock.advance(3_000);
    await ended;
  });

  it("starts none again that was let end", async () => {
    const world = fakeWorld();
    const haproxy = await keep(world);
    haproxy.letEnd();
    world.last().end("killed by SIGKILL");
    await world.clock.advance(60_000);
    expect(world.started).toHaveLength(1);
    await haproxy[Symbol.asyncDispose]();
  });

  it("kills a HAProxy that does not end", async () => {
    const world = fakeWorld({ stubborn: true });
    const haproxy = await keep(world);
    const ended = haproxy[Symbol.asyncDispose]();
    await world.clock.advance(3_000);
    await ended;
    expect(world.last().signals).toEqual(["SIGTERM", "SIGKILL"]);
  });
});

interface FakeProcess extends HaproxyProcess {
  readonly signals: NodeJS.Signals[];
  end(how: string): void;
}

interface FakeWorld {
  readonly clock: ReturnType<typeof createManualClock>;
  readonly started: FakeProcess[];
  answering: boolean;
  /** Whether no process can be started. */
  exhausted: boolean;
  replaced: number;
  readonly start: () => HaproxyProcess;
  readonly showInfo: () => Promise<ReadonlyMap<string, string>>;
  last(): FakeProcess;
  until(condition: () => boolean): Promise<void>;
}

function keep(world: FakeWorld): Promise<HaproxyKeeper> {
  const onReplaced = (): void => {
    world.replaced += 1;
  };
  return keepHaproxy(world.start, world, { clock: world.clock, log, onReplaced });
}

function fakeWorld({
  complaint,
  stubborn = false,
}: {
  complaint?: string;
  stubborn?: boolean;
} = {}): FakeWorld {
  const world: FakeWorld = {
    clock: createManualClock(),
    started: [],
    answering: true,
    exhausted: false,
    replaced: 0,
    start: () => {
      if (world.exhausted) throw new Error("spawn EAGAIN");
      const exited = Promise.withResolvers<string>();
      const signals: NodeJS.Signals[] = [];
      const process: FakeProcess = {
        pid: world.started.length + 1,
        exited: exited.promise,
        complaint,
        signals,
        kill: (signal) => {
          signals.push(signal);
          if (!stubborn || signal === "SIGKILL") exited.resolve(`killed by ${signal}`);
        },
        end: exited.resolve,
      };
      world.started.push(process);
      return process;
    },
    showInfo: async () => {
      if (!world.answering) throw new HaproxyUnavailableError("nothing answers");
      return new Map([["Version", "2.6.12"]]);
    },
    last: () => world.started.at(-1) as FakeProcess,
    until: async (condition) => {
      while (!condition()) await world.clock.advance(0);
    },
  };
  return world;
}
