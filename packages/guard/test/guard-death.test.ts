import { readFileSync, unlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { systemClock } from "@msdha/clock";
import { tempDir, waitFor } from "@msdha/testkit";
import { beforeAll, describe, expect, test } from "vitest";
import { type Guard, GuardLostError, startGuard } from "../src/index.ts";
import {
  buildGuard,
  freeze,
  isAlive,
  killNow,
  type Mark,
  mark,
  program,
  sizeOf,
  startSupervisor,
  waitForGrowth,
} from "./support.ts";

beforeAll(buildGuard);

const isRoot = process.geteuid?.() === 0;
const because = isRoot ? "" : " (skipped: needs root)";

function nameOf(pid: number): string {
  return readFileSync(`/proc/${pid}/comm`, "utf8").trim();
}

/** At one stroke, so that neither can kill what it is there to kill. */
function killBoth(outer: number): void {
  process.kill(-outer, "SIGKILL");
}

/** A program that stays, and beside it a daemon that writes. */
async function startBoth(guard: Guard, { env }: Mark, file: string): Promise<void> {
  await guard.spawn("sh", ["-c", "sleep 60 & wait"], { env, output: "pipe" });
  await guard.spawn("perl", [program("daemon.pl"), "perl", program("write.pl"), file], {
    env,
    output: "inherit",
  });
  await waitForGrowth(file);
}

function aborted(signal: AbortSignal): Promise<unknown> {
  return waitFor(() => signal.reason, { what: "the guard to be called lost" });
}

const cases: { title: string; hurt: (pids: { outer: number; inner: number }) => unknown }[] = [
  { title: "the outer process is killed", hurt: ({ outer }) => killNow(outer) },
  { title: "the inner process is killed", hurt: ({ inner }) => killNow(inner) },
  { title: "the outer process is frozen", hurt: ({ outer }) => freeze(outer) },
  { title: "the inner process is frozen", hurt: ({ inner }) => freeze(inner) },
  { title: "both are frozen", hurt: ({ outer, inner }) => freeze(outer, inner) },
  {
    title: "the outer process is frozen and the inner one killed",
    hurt: async ({ outer, inner }) => {
      await freeze(outer);
      killNow(inner);
    },
  },
  {
    title: "the inner process is frozen and the outer one killed",
    hurt: async ({ outer, inner }) => {
      await freeze(inner);
      killNow(outer);
    },
  },
];

describe("with a supervisor that works, everything is killed, lost aborts and gone() resolves when", () => {
  test.each(cases)("$title", async ({ hurt }) => {
    using marked = mark();
    await using folder = tempDir();
    const file = join(folder.path, "growing");
    const guard = await startGuard({ silentMs: 400, lockFile: join(folder.path, "lock") });
    await startBoth(guard, marked, file);
    await hurt(guard.pids);
    expect(await aborted(guard.lost)).toBeInstanceOf(GuardLostError);
    await guard.gone();
    const size = sizeOf(file);
    expect(marked.alive()).toEqual([]);
    await expect(guard.spawn("true", [], { env: {}, output: "inherit" })).rejects.toBe(guard.lost.reason);
    await guard[Symbol.asyncDispose]();
    // The one that is not our child ends by itself, a moment after it has said that all is gone.
    await expect.poll(() => [guard.pids.outer, guard.pids.inner].filter(isAlive)).toEqual([]);
    expect(sizeOf(file)).toBe(size);
    await using next = await startGuard({ lockFile: join(folder.path, "lock") });
    expect(next.lost.aborted).toBe(false);
  });
});

describe("without a supervisor, everything is killed and the guard ends when", () => {
  test.each(cases.filter(({ title }) => !title.startsWith("both") && !title.includes(" and ")))(
    "$title too",
    async ({ hurt }) => {
      using marked = mark();
      await using folder = tempDir();
      const file = join(folder.path, "growing");
      await using supervisor = startSupervisor(
        {
          lockFile: join(folder.path, "lock"),
          spawn: [
            ["sh", "-c", "sleep 60 & wait"],
            ["perl", program("daemon.pl"), "perl", program("write.pl"), file],
          ],
        },
        marked,
      );
      const pids = (await supervisor.event("ready")).guard ?? { outer: 0, inner: 0 };
      await waitForGrowth(file);
      await freeze(supervisor.pid);
      await hurt(pids);
      killNow(supervisor.pid);
      await using next = await startGuard({ lockFile: join(folder.path, "lock"), lockWaitMs: 10_000 });
      const size = sizeOf(file);
      expect(marked.alive()).toEqual([]);
      expect([pids.outer, pids.inner].filter(isAlive)).toEqual([]);
      expect(sizeOf(file)).toBe(size);
      expect(next.lost.aborted).toBe(false);
    },
  );
});

describe("with a frozen supervisor, the deadline is kept when", () => {
  test.each(cases.slice(0, 4))("$title", async ({ hurt }) => {
    using marked = mark();
    await using folder = tempDir();
    const file = join(folder.path, "growing");
    await using supervisor = startSupervisor(
      {
        deadlineMs: 1_500,
        spawn: [
          ["sh", "-c", "sleep 60 & wait"],
          ["perl", program("daemon.pl"), "perl", program("write.pl"), file],
        ],
      },
      marked,
    );
    const { guard: pids, deadline } = await supervisor.event("ready");
    await waitForGrowth(file);
    await freeze(supervisor.pid);
    await hurt(pids ?? { outer: 0, inner: 0 });
    await waitFor(() => marked.alive().length === 0, { what: "everything to be killed", intervalMs: 5 });
    expect(systemClock.now()).toBeLessThan(Number(deadline) + 400);
  });
});

test("the death of the supervisor alone kills everything and ends the guard", async () => {
  using marked = mark();
  await using folder = tempDir();
  const file = join(folder.path, "growing");
  await using supervisor = startSupervisor(
    {
      spawn: [
        ["perl", program("daemon.pl"), "perl", program("write.pl"), file],
        ["sleep", "60"],
      ],
      deadlineMs: 60_000,
    },
    marked,
  );
  const { guard: pids } = await supervisor.event("ready");
  await waitForGrowth(file);
  killNow(supervisor.pid);
  await waitFor(() => marked.alive().length === 0, { what: "everything to be killed" });
  await waitFor(() => !isAlive(pids?.outer ?? 0) && !isAlive(pids?.inner ?? 0), { what: "the guard to end" });
});

test("signals that end a program do nothing to the guard", async () => {
  await using guard = await startGuard();
  for (const signal of [
    "SIGHUP",
    "SIGINT",
    "SIGQUIT",
    "SIGTERM",
    "SIGUSR1",
    "SIGUSR2",
    "SIGPIPE",
    "SIGALRM",
    "SIGTSTP",
  ] as const) {
    process.kill(guard.pids.outer, signal);
    process.kill(guard.pids.inner, signal);
  }
  await guard.setDeadline(undefined);
  const { exited } = await guard.spawn("true", [], { env: { PATH: "/bin:/usr/bin" }, output: "inherit" });
  expect(await exited).toEqual({ code: 0, signal: null });
  expect(guard.lost.aborted).toBe(false);
});

describe("when both of its processes are killed", () => {
  test("nobody claims that everything is gone, and what holds the lock file is killed as a last resort", async () => {
    using marked = mark();
    await using folder = tempDir();
    const file = join(folder.path, "growing");
    await using guard = await startGuard({ lockFile: join(folder.path, "lock") });
    await startBoth(guard, marked, file);
    const stays = await guard.spawn("sleep", ["60"], { env: marked.env, output: "inherit" });
    await freeze(guard.pids.inner, guard.pids.outer);
    killNow(guard.pids.inner);
    killNow(guard.pids.outer);
    await expect(guard.gone()).rejects.toBeInstanceOf(GuardLostError);
    await expect(guard.killAll()).rejects.toBeInstanceOf(GuardLostError);
    await expect(stays.exited).rejects.toBeInstanceOf(GuardLostError);
    expect(marked.alive()).toEqual([]);
    expect(guard.alive).toBe(0);
  });

  describe(`under a supervisor that is root without CAP_SYS_PTRACE, as in a container${because}`, {
    skip: !isRoot,
  }, () => {
    const within = ["setpriv", "--bounding-set=-sys_ptrace", "--inh-caps=-all"];
    const asNobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"];

    test("what runs as another user, which does not show its files, is killed too", async () => {
      using marked = mark();
      await using folder = tempDir();
      const lockFile = join(folder.path, "lock");
      const spawn = [["setpriv", ...asNobody.slice(1), "sh", "-c", "setsid sleep 60 & sleep 60"]] as const;
      await using supervisor = startSupervisor({ lockFile, spawn }, marked, { within });
      const { guard } = await supervisor.event("ready");
      await waitFor(() => marked.alive().length === 3, { what: "all to run" });
      await freeze(guard?.inner ?? 0, guard?.outer ?? 0);
      killBoth(guard?.outer ?? 0);
      await supervisor.event("unknown");
      expect(marked.alive()).toEqual([]);
    });

    test.each([
      ["", () => {}],
      [", also when the lock file is removed", (file: string) => unlinkSync(file)],
      [
        ", also when the lock file is replaced",
        (file: string) => {
          unlinkSync(file);
          writeFileSync(file, "");
        },
      ],
    ] as const)("a daemon of another user, which it can't find, is waited for%s", async (_, hurt) => {
      using marked = mark();
      await using folder = tempDir();
      const lockFile = join(folder.path, "lock");
      const spawn = [["perl", program("daemon.pl"), ...asNobody, "sleep", "60"]] as const;
      await using supervisor = startSupervisor({ lockFile, spawn }, marked, { within });
      const { guard } = await supervisor.event("ready");
      const daemon = await waitFor(() => marked.alive().find((pid) => nameOf(pid) === "sleep"), {
        what: "the daemon to be what it should",
      });
      hurt(lockFile);
      await freeze(guard?.inner ?? 0, guard?.outer ?? 0);
      killBoth(guard?.outer ?? 0);
      const { text } = await supervisor.event("denied");
      expect(text).toMatch("holds the lock file");
      expect(marked.alive()).toEqual([daemon]);
      expect(supervisor.events.map(({ event }) => event)).not.toContain("unknown");
      killNow(daemon);
    });
  });

  test("and the supervisor with them, a new guard on the lock file is refused as long as anything is alive", async () => {
    using marked = mark();
    await using folder = tempDir();
    const file = join(folder.path, "growing");
    const lockFile = join(folder.path, "lock");
    await using supervisor = startSupervisor(
      { lockFile, spawn: [["perl", program("daemon.pl"), "perl", program("write.pl"), file]] },
      marked,
    );
    const { guard: pids } = await supervisor.event("ready");
    await waitForGrowth(file);
    for (const pid of [supervisor.pid, pids?.inner ?? 0, pids?.outer ?? 0]) await freeze(pid);
    for (const pid of [supervisor.pid, pids?.inner ?? 0, pids?.outer ?? 0]) killNow(pid);
    const left = marked.alive();
    expect(left).toHaveLength(1);
    await expect(startGuard({ lockFile })).rejects.toMatchObject({
      code: "ERR_GUARD_BUSY",
      lockFile,
      holders: left,
    });
    expect(marked.alive()).toEqual(left);
    left.forEach(killNow);
    await using next = await startGuard({ lockFile, lockWaitMs: 10_000 });
    expect(next.lost.aborted).toBe(false);
  });
});
