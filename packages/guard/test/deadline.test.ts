import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { systemClock } from "@msdha/clock";
import { tempDir, waitFor } from "@msdha/testkit";
import { beforeAll, describe, expect, test } from "vitest";
import { type Guard, type GuardedProcess, GuardPastDeadlineError, startGuard } from "../src/index.ts";
import {
  buildGuard,
  freeze,
  isAlive,
  type Mark,
  mark,
  parentOf,
  processesWhere,
  startSupervisor,
} from "./support.ts";

beforeAll(buildGuard);

function startSleeper(guard: Guard, { env }: Mark): Promise<GuardedProcess> {
  return guard.spawn("sh", ["-c", "trap '' TERM INT HUP; setsid sleep 60 & wait"], {
    env,
    output: "inherit",
  });
}

describe("at the deadline", () => {
  test("everything is killed, the guard is lost, and gone() resolves", async () => {
    using marked = mark();
    await using guard = await startGuard();
    const { exited } = await startSleeper(guard, marked);
    const at = systemClock.now() + 300;
    await guard.setDeadline(at);
    await waitFor(() => marked.alive().length === 2, { what: "both processes" });
    expect(await exited).toEqual({ code: null, signal: "SIGKILL" });
    await guard.gone();
    expect(marked.alive()).toEqual([]);
    expect(systemClock.now()).toBeGreaterThan(at - 15);
    expect(guard.lost.reason).toBeInstanceOf(GuardPastDeadlineError);
  });

  test("nothing is started any more, whatever deadline comes later", async () => {
    using marked = mark();
    await using guard = await startGuard();
    await guard.setDeadline(systemClock.now() - 1).catch(() => {});
    await guard.gone();
    const late = { code: "ERR_GUARD_PAST_DEADLINE" };
    await expect(guard.setDeadline(systemClock.now() + 60_000)).rejects.toMatchObject(late);
    await expect(guard.setDeadline(undefined)).rejects.toMatchObject(late);
    await expect(startSleeper(guard, marked)).rejects.toMatchObject(late);
    await guard.killAll();
  });
});

describe("a deadline", () => {
  test("may be put off, and taken away", async () => {
    using marked = mark();
    await using guard = await startGuard();
    await startSleeper(guard, marked);
    const first = systemClock.now() + 150;
    await guard.setDeadline(first);
    await guard.setDeadline(first + 150);
    await systemClock.sleep(first + 50 - systemClock.now());
    expect(guard.lost.aborted).toBe(false);
    await guard.setDeadline(Number.POSITIVE_INFINITY);
    await systemClock.sleep(first + 250 - systemClock.now());
    expect(guard.lost.aborted).toBe(false);
    expect(marked.alive().length).toBeGreaterThan(0);
  });

  test("may be brought forward", async () => {
    using marked = mark();
    await using guard = await startGuard();
    await startSleeper(guard, marked);
    await guard.setDeadline(systemClock.now() + 60_000);
    await guard.setDeadline(systemClock.now() + 100);
    await guard.gone();
    expect(marked.alive()).toEqual([]);
    expect(guard.lost.reason).toBeInstanceOf(GuardPastDeadlineError);
  });

  test("in the past kills at once", async () => {
    using marked = mark();
    await using guard = await startGuard();
    await startSleeper(guard, marked);
    await guard.setDeadline(0).catch(() => {});
    await guard.gone();
    expect(marked.alive()).toEqual([]);
  });

  test("that is not a number is refused", async () => {
    await using guard = await startGuard();
    await expect(guard.setDeadline(Number.NaN)).rejects.toThrow(TypeError);
  });
});

describe("a supervisor", () => {
  test("that is frozen past the deadline finds everything killed, and may start nothing", async () => {
    using marked = mark();
    await using folder = tempDir();
    const hook = join(folder.path, "hook-ran");
    await using supervisor = startSupervisor(
      {
        spawn: [["sh", "-c", "setsid sleep 60 & wait"]],
        deadlineMs: 300,
        next: "freeze",
        spawnAfter: [["touch", hook]],
      },
      marked,
    );
    const { deadline } = await supervisor.event("ready");
    expect(marked.alive().length).toBeGreaterThan(0);
    await waitFor(() => marked.alive().length === 0, { what: "everything to be killed", intervalMs: 2 });
    expect(Math.abs(systemClock.now() - Number(deadline))).toBeLessThan(250);
    supervisor.process.kill("SIGCONT");
    expect((await supervisor.event("refused"))["code"]).toBe("ERR_GUARD_PAST_DEADLINE");
    expect((await supervisor.event("lost"))["code"]).toBe("ERR_GUARD_PAST_DEADLINE");
    expect((await supervisor.event("exited"))["signal"]).toBe("SIGKILL");
    await supervisor.event("gone");
    expect(existsSync(hook)).toBe(false);
  });

  test("whose event loop is blocked past the deadline finds everything killed", async () => {
    using marked = mark();
    await using supervisor = startSupervisor(
      { spawn: [["sleep", "60"]], deadlineMs: 200, next: "block", blockMs: 1_500 },
      marked,
    );
    await waitFor(() => marked.alive().length === 1, { what: "the process" });
    await waitFor(() => marked.alive().length === 0, { what: "everything to be killed" });
    expect(supervisor.events.map(({ event }) => event)).not.toContain("lost");
    expect((await supervisor.event("lost"))["code"]).toBe("ERR_GUARD_PAST_DEADLINE");
    await supervisor.event("gone");
  });

  test("whose event loop was blocked for longer than a guard may be silent does not take it for lost", async () => {
    using marked = mark();
    await using supervisor = startSupervisor(
      { spawn: [["sleep", "60"]], next: "block", waitMs: 100, blockMs: 3_000 },
      marked,
    );
    await supervisor.event("ready");
    await systemClock.sleep(4_500);
    expect(supervisor.events.map(({ event }) => event)).toEqual(["ready"]);
    expect(marked.alive()).toHaveLength(1);
  });
});

test("a program is not executed past the deadline, however late the process that should become it gets its turn", async () => {
  using marked = mark();
  await using folder = tempDir();
  const slow = join(folder.path, "slow-guard");
  const sources = fileURLToPath(new URL("../c/", import.meta.url));
  const compile = `cc -std=gnu11 -D_GNU_SOURCE -DDELAY_BEFORE_EXEC_MS=8000 -O1 -static -o ${slow} ${sources}*.c`;
  execFileSync("sh", ["-c", compile]);
  await using guard = await startGuard({ binary: slow, silentMs: 60_000 });
  const { outer, inner } = guard.pids;
  const at = systemClock.now() + 6_000;
  await guard.setDeadline(at);
  const file = join(folder.path, "ran");
  const starting = guard.spawn("touch", [file], { env: marked.env, output: "inherit" });
  const child = await waitFor(() => processesWhere((pid) => parentOf(pid) === inner)[0], {
    what: "the fork",
  });
  await freeze(outer, inner); // so that neither kills it first
  await waitFor(() => !isAlive(child), { what: "the end of what should have become the program" });
  expect(systemClock.now()).toBeGreaterThan(at);
  expect(existsSync(file)).toBe(false);
  // The outer one, once it goes on, kills an inner one that is stopped.
  for (const pid of [inner, outer]) process.kill(pid, "SIGCONT");
  await expect(starting).rejects.toBeInstanceOf(GuardPastDeadlineError);
  await guard.gone();
});
