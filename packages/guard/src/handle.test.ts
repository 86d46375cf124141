import { type Clock, createManualClock, type ManualClock } from "@msdha/clock";
import { describe, expect, test } from "vitest";
import { createFakeGuard, type FakeGuard } from "../test/fake-guard.ts";
import { GuardLostError, GuardPastDeadlineError, type KillNotPermittedError } from "./errors.ts";
import { attachGuard, type StartedGuard } from "./handle.ts";

const DEADLINE = 3;
const PING = 6;
/** How far the guard's clock is ahead of ours. */
const AHEAD_MS = 5_000;

interface Scene {
  readonly clock: ManualClock;
  readonly fake: FakeGuard;
  readonly guard: StartedGuard;
  readonly denials: readonly KillNotPermittedError[];
  readonly leaps: readonly number[];
  /** Our clock leaps, the guard's does not. */
  leap(ms: number): void;
}

async function attach(): Promise<Scene> {
  const clock = createManualClock({ startMs: 1_000 });
  const denials: KillNotPermittedError[] = [];
  const leaps: number[] = [];
  let leapt = 0;
  const leap = (ms: number): void => {
    leapt += ms;
  };
  const ours: Clock = { now: () => clock.now() + leapt, sleep: clock.sleep };
  const fake = createFakeGuard(() => clock.now() + AHEAD_MS);
  const attaching = attachGuard(fake.link, {
    clock: ours,
    silentMs: 2_000,
    onDenied: (error) => denials.push(error),
    onLeap: (ms) => leaps.push(ms),
    describeFailure: async () => new Error("-"),
  });
  fake.hello();
  const guard = await attaching;
  await settle();
  return { clock, fake, guard, denials, leaps, leap };
}

function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(() => setImmediate(() => setImmediate(resolve))));
}

const options = { env: {}, output: "pipe" } as const;

describe("at the start", () => {
  test("both processes must say hello", async () => {
    const { guard } = await attach();
    expect(guard.pids).toEqual({ inner: 12, outer: 11 });
    expect(guard.lost.aborted).toBe(false);
  });

  test("a failure is described by the caller", async () => {
    const clock = createManualClock();
    const fake = createFakeGuard(clock.now);
    const attaching = attachGuard(fake.link, {
      clock,
      silentMs: 2_000,
      onDenied: () => {},
      onLeap: () => {},
      describeFailure: async ({ errno, busy, step }) => new Error(`${step} ${errno} ${busy}`),
    });
    fake.startFailed(11, true, "locking");
    await settle();
    fake.die("inner");
    fake.die("outer");
    await expect(attaching).rejects.toThrow("locking 11 true");
    expect(fake.lastResorts()).toBe(0);
  });

  test("a guard of another version is refused, as is one that ends", async () => {
    const clock = createManualClock();
    const other = createFakeGuard(clock.now);
    const describeFailure = async (): Promise<Error> => new Error("-");
    const attaching = attachGuard(other.link, {
      clock,
      silentMs: 2_000,
      describeFailure,
      onDenied: () => {},
      onLeap: () => {},
    });
    other.hello(99);
    await expect(attaching).rejects.toMatchObject({ code: "ERR_GUARD_START" });
    const dead = createFakeGuard(clock.now);
    const attachingDead = attachGuard(dead.link, {
      clock,
      silentMs: 2_000,
      describeFailure,
      onDenied: () => {},
      onLeap: () => {},
    });
    dead.die("inner");
    dead.die("outer");
    await expect(attachingDead).rejects.toMatchObject({ code: "ERR_GUARD_START" });
  });
});

describe("a deadline", () => {
  test("is told to both processes on their own clock and confirmed by both", async () => {
    const { fake, guard } = await attach();
    fake.answer({ inner: true, outer: false });
    let confirmed = false;
    const setting = guard.setDeadline(10_000).then(() => {
      confirmed = true;
    });
    await settle();
    const told = fake.commands.filter(({ type }) => type === DEADLINE);
    expect(told.map(({ to, body }) => [to, body.readBigInt64LE(5), body.readBigInt64LE(13)])).toEqual([
      ["inner", 15_000_000_000n, 9_000_000_000n],
      ["outer", 15_000_000_000n, 9_000_000_000n],
    ]);
    expect(confirmed).toBe(false);
    fake.ack("outer", told[1]?.number ?? 0);
    await setting;
  });

  test("that is refused by either has passed", async () => {
    const { fake, guard } = await attach();
    fake.answer({ inner: true, outer: false });
    const setting = guard.setDeadline(10_000);
    await settle();
    fake.ack("outer", fake.commands.at(-1)?.number ?? 0, { refused: true });
    await expect(setting).rejects.toBeInstanceOf(GuardPastDeadlineError);
  });

  test("an answer counts for those asked for before it too", async () => {
    const { fake, guard } = await attach();
    fake.answer({ inner: false, outer: true });
    const settings = [guard.setDeadline(10_000), guard.setDeadline(20_000)];
    await settle();
    const last = fake.commands.filter(({ to, type }) => to === "inner" && type === DEADLINE).at(-1);
    fake.ack("inner", last?.number ?? 0);
    await Promise.all(settings);
  });
});

describe("a deadline after a leap of our clock", () => {
  /** What the guard makes of the last one, on the clock that did not leap. */
  function lastDeadline({ clock, fake }: Scene): number {
    const body = fake.commands.findLast(({ type }) => type === DEADLINE)?.body;
    const at = Number(body?.readBigInt64LE(5)) / 1e6 - AHEAD_MS;
    return Math.min(at, clock.now() + Number(body?.readBigInt64LE(13)) / 1e6);
  }

  test.each([
    ["forward, before the guard was asked again", 3_000, false],
    ["forward, after it was", 3_000, true],
    ["forward by hours", 9_000_000, true],
  ])("%s, is no later than meant", async (_, ms, asked) => {
    const scene = await attach();
    await scene.guard.setDeadline(1_000_000);
    scene.leap(ms);
    if (asked) await scene.clock.advance(600);
    const proof = scene.clock.now();
    await scene.guard.setDeadline(proof + ms + 5_250);
    expect(lastDeadline(scene)).toBeLessThanOrEqual(proof + 5_250);
    expect(lastDeadline(scene)).toBeGreaterThan(proof + 5_000);
    await scene.clock.advance(600);
    expect(scene.leaps).toEqual([ms]);
  });

  test("that missed a suspend between a proof and its answer, is no later than meant", async () => {
    const scene = await attach();
    await scene.guard.setDeadline(1_000_000);
    const proof = scene.clock.now();
    scene.leap(-60_000); // beside the guard's clock, which saw the suspend
    await scene.clock.advance(600);
    await scene.guard.setDeadline(proof + 5_250);
    expect(lastDeadline(scene)).toBeLessThanOrEqual(proof + 5_250);
    expect(scene.leaps).toEqual([-60_000]);
  });
});

describe("a silent process", () => {
  test.each(["inner", "outer"] as const)(
    "is called lost after the time it may be silent (%s)",
    async (which) => {
      const { clock, fake, guard } = await attach();
      fake.answer({ inner: which !== "inner", outer: which !== "outer" });
      await clock.advance(500); // the ping of the start was answered
      await clock.advance(1_999);
      expect(guard.lost.aborted).toBe(false);
      await clock.advance(1);
      expect(guard.lost.reason).toBeInstanceOf(GuardLostError);
      expect(String(guard.lost.reason)).toContain(`its ${which} process did not answer for 2000 ms`);
      await settle();
      expect([fake.ended("inner"), fake.ended("outer")]).toEqual([true, true]);
      expect(fake.woken).toEqual(expect.arrayContaining([11, 12]));
    },
  );

  test("is not one whose answers come late, nor is either when it was this process that stood still", async () => {
    const { clock, fake, guard } = await attach();
    fake.answer({ inner: false, outer: false });
    for (let round = 0; round < 20; round++) {
      await clock.advance(1_500);
      for (const { to, type, number } of [...fake.commands]) if (type === PING) fake.ack(to, number);
      await settle();
    }
    expect(guard.lost.aborted).toBe(false);
  });

  test("makes open requests fail, but gone() still waits for the truth", async () => {
    const { clock, fake, guard } = await attach();
    fake.answer({ inner: false, outer: true });
    const setting = guard.setDeadline(10_000);
    const starting = guard.spawn("f", [], options);
    const gone = guard.gone();
    await Promise.all([
      expect(setting).rejects.toBeInstanceOf(GuardLostError),
      expect(starting).rejects.toBeInstanceOf(GuardLostError),
      clock.advance(5_000),
    ]);
    fake.gone("outer");
    await gone;
    await guard.killAll();
  });
});

describe("when a process of the guard dies", () => {
  test("the other one's word that nothing is left counts, and ends what was running", async () => {
    const { fake, guard } = await attach();
    const starting = guard.spawn("f", [], options);
    fake.started(1, 77);
    const started = await starting;
    expect(guard.alive).toBe(1);
    fake.die("inner");
    await settle();
    expect(guard.lost.reason).toBeInstanceOf(GuardLostError);
    const gone = guard.gone();
    fake.gone("outer");
    await gone;
    expect(await started.exited).toEqual({ code: null, signal: "SIGKILL" });
    await started.outputEnded;
    expect(guard.alive).toBe(0);
  });

  test("and the other one too before it could tell, nobody claims to know", async () => {
    const { fake, guard } = await attach();
    const starting = guard.spawn("f", [], options);
    fake.started(1, 77);
    const { exited } = await starting;
    const gone = guard.gone();
    fake.die("inner");
    fake.die("outer");
    await expect(gone).rejects.toBeInstanceOf(GuardLostError);
    await expect(exited).rejects.toBeInstanceOf(GuardLostError);
    await expect(guard.killAll()).rejects.toBeInstanceOf(GuardLostError);
    expect(fake.lastResorts()).toBe(1);
    await guard[Symbol.asyncDispose]();
  });

  test("a report that makes no sense is taken for its death", async () => {
    const { fake, guard } = await attach();
    fake.raw("inner", Buffer.from([1, 0, 0, 0, 99]));
    await settle();
    expect(guard.lost.reason).toBeInstanceOf(GuardLostError);
  });
});

describe("killing", () => {
  const sleep = { pid: 77, user: 1_000, name: "sleep" };
  const denied = { reached: 0, denied: 1, some: [{ ...sleep, errno: 1 }] };

  test("tells what had to be killed", async () => {
    const { fake, guard } = await attach();
    fake.answer({ inner: false, outer: true });
    const killing = guard.killAll();
    fake.killed("inner", { reached: 1, denied: 0, some: [{ ...sleep, errno: 0 }] });
    await settle();
    fake.ack("inner", fake.commands.at(-1)?.number ?? 0);
    expect(await killing).toEqual({ killed: 1, someKilled: [{ pid: 77, name: "sleep" }] });
  });

  test("rejects as soon as something may not be killed, and gone() goes on waiting", async () => {
    const { fake, guard, denials } = await attach();
    fake.answer({ inner: false, outer: true });
    const gone = guard.gone();
    const refused = expect(guard.killAll()).rejects.toMatchObject({
      code: "ERR_KILL_NOT_PERMITTED",
      count: 1,
      processes: [{ pid: 77, name: "sleep", user: 1_000, errno: "EPERM" }],
    });
    fake.denied("inner", denied);
    await refused;
    expect(denials.map(({ count }) => count)).toEqual([1]);
    fake.killed("inner", { reached: 0, denied: 0, some: [] });
    fake.gone("inner");
    await gone;
    await guard.killAll();
  });

  test("by a guard that folds rejects as long as something may not be killed", async () => {
    const { fake, guard } = await attach();
    fake.answer({ inner: false, outer: false });
    fake.folding("inner", 2);
    fake.denied("inner", denied);
    await settle();
    for (let call = 0; call < 2; call++) {
      await expect(guard.killAll()).rejects.toMatchObject({ code: "ERR_KILL_NOT_PERMITTED" });
    }
    fake.denied("inner", { reached: 0, denied: 0, some: [] });
    await settle();
    const killing = guard.killAll();
    fake.gone("inner");
    await killing;
  });

  test("signals everything, and tells what it reached and what it may not", async () => {
    const { fake, guard } = await attach();
    const signalling = guard.signalAll("SIGTERM");
    await settle();
    const command = fake.commands.at(-1);
    expect([command?.to, command?.type, command?.body.readUInt8(5)]).toEqual(["inner", 7, 15]);
    fake.signalled(command?.number ?? 0, { ...denied, reached: 3 });
    expect(await signalling).toEqual({
      reached: 3,
      someReached: [],
      denied: 1,
      someDenied: [{ ...sleep, errno: "EPERM" }],
    });
  });

  test("tells of a process that may not be signalled", async () => {
    const { fake, denials } = await attach();
    fake.signalDenied(denied);
    await settle();
    expect(denials.map(({ message }) => message)).toEqual([
      expect.stringMatching(/may not kill sleep \(process 77, user 1000: EPERM\).* needs CAP_KILL/),
    ]);
  });

  test("asks in vain once the guard is lost", async () => {
    const { fake, guard } = await attach();
    const surveying = expect(guard.survey()).rejects.toBeInstanceOf(GuardPastDeadlineError);
    fake.folding("inner", 2);
    await surveying;
    await expect(guard.signalAll("SIGTERM")).rejects.toBeInstanceOf(GuardPastDeadlineError);
    await expect(guard.withdrawAtKill([])).rejects.toBeInstanceOf(GuardPastDeadlineError);
  });
});

describe("when the guard folds", () => {
  test("at the deadline, lost says so, once", async () => {
    const { fake, guard } = await attach();
    let aborts = 0;
    guard.lost.addEventListener("abort", () => {
      aborts += 1;
    });
    fake.folding("inner", 2);
    fake.folding("outer", 3);
    await settle();
    expect(guard.lost.reason).toBeInstanceOf(GuardPastDeadlineError);
    expect(aborts).toBe(1);
    await expect(guard.spawn("f", [], options)).rejects.toBe(guard.lost.reason);
    await expect(guard.setDeadline(9)).rejects.toBe(guard.lost.reason);
  });
});

describe("a process", () => {
  test("has started and ended also when the end of its outputs is told first", async () => {
    const { fake, guard } = await attach();
    const starting = guard.spawn("/bin/true", [], options);
    await settle();
    fake.outputEnded(1);
    fake.started(1, 77);
    const started = await starting;
    await started.outputEnded;
    expect(guard.alive).toBe(1);
    fake.exited(1, 0);
    expect(await started.exited).toEqual({ code: 0, signal: null });
    expect(guard.alive).toBe(0);
  });

  test("gives its output, its end and the end of its output, in whatever order", async () => {
    const { fake, guard } = await attach();
    const seen: string[] = [];
    const starting = guard.spawn("f", [], {
      ...options,
      onOutput: (stream, chunk) => seen.push(`${stream} ${chunk}`),
    });
    fake.started(1, 77);
    const started = await starting;
    expect(started.pid).toBe(77);
    fake.output(1, 1, "a");
    fake.output(1, 2, "b");
    fake.exited(1, 3);
    expect(await started.exited).toEqual({ code: 3, signal: null });
    fake.output(1, 1, "late");
    fake.outputEnded(1);
    await started.outputEnded;
    expect(seen).toEqual(["stdout a", "stderr b", "stdout late"]);
    const commands = fake.commands.length;
    started.kill("SIGTERM");
    await settle();
    expect(fake.commands).toHaveLength(commands);
  });

  test("that fails tells why, and counts for nothing", async () => {
    const { fake, guard } = await attach();
    const starting = guard.spawn("f", [], options);
    fake.failed(1, "exec", 2);
    await expect(starting).rejects.toMatchObject({ step: "exec", errno: "ENOENT", file: "f" });
    const late = guard.spawn("f", [], options);
    fake.failed(2, "past-deadline", 0);
    await expect(late).rejects.toBeInstanceOf(GuardPastDeadlineError);
    expect(guard.alive).toBe(0);
  });
});

test("disposing ends both sides, waits for the guard, and is no loss", async () => {
  const { fake, guard } = await attach();
  let disposed = false;
  const disposing = guard[Symbol.asyncDispose]().then(() => {
    disposed = true;
  });
  await settle();
  expect([fake.ended("inner"), fake.ended("outer")]).toEqual([true, true]);
  fake.gone("inner");
  fake.die("inner");
  await settle();
  expect(disposed).toBe(false);
  fake.gone("outer");
  fake.die("outer");
  await disposing;
  expect(guard.lost.aborted).toBe(false);
  await guard.gone();
  await guard[Symbol.asyncDispose]();
});
