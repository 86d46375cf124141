import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { tempDir, waitFor } from "@msdha/testkit";
import { beforeAll, describe, expect, test } from "vitest";
import { type Guard, startGuard } from "../src/index.ts";
import {
  buildGuard,
  freeze,
  isAlive,
  killNow,
  type Mark,
  mark,
  program,
  startSupervisor,
} from "./support.ts";

beforeAll(buildGuard);

/** A family of processes in sessions and groups of their own, each of which ends at SIGTERM and says so. */
const family = (folder: string): string => `
  note() { trap "echo $1 >> ${folder}/ended; exit 0" TERM; }
  for name in child session; do
    ( note $name; : > ${folder}/$name; while :; do sleep 0.05; done ) &
  done
  setsid sh -c 'trap "echo daemon >> ${folder}/ended; exit 0" TERM; : > ${folder}/daemon; while :; do sleep 0.05; done' &
  note main
  : > ${folder}/main
  while :; do sleep 0.05; done`;

async function startFamily(guard: Guard, { env }: Mark, folder: string): Promise<void> {
  await guard.spawn("sh", ["-c", family(folder)], { env, output: "inherit" });
  for (const name of ["main", "child", "session", "daemon"]) {
    await waitFor(() => existsSync(join(folder, name)), { what: `${name} to run` });
  }
}

describe("signalAll()", () => {
  test("reaches each process of the node once, in whatever session it is, and killAll() then has nothing to kill", async () => {
    using marked = mark();
    await using folder = tempDir();
    await using guard = await startGuard();
    await startFamily(guard, marked, folder.path);
    const { reached, someReached, denied } = await guard.signalAll("SIGTERM");
    expect(denied).toBe(0);
    expect(reached).toBeGreaterThanOrEqual(4);
    expect(someReached.map(({ name }) => name)).toContain("sh");
    await guard.gone();
    const ended = readFileSync(join(folder.path, "ended"), "utf8").split("\n").filter(Boolean);
    expect(ended.sort()).toEqual(["child", "daemon", "main", "session"]);
    expect(await guard.killAll()).toEqual({ killed: 0, someKilled: [] });
  });

  test("reaches nothing where nothing was started, and what runs beside the guard is left alone", async () => {
    await using guard = await startGuard();
    await using other = await startGuard();
    using marked = mark();
    await other.spawn("sleep", ["60"], { env: marked.env, output: "inherit" });
    expect(await guard.signalAll("SIGKILL")).toEqual({
      reached: 0,
      someReached: [],
      denied: 0,
      someDenied: [],
    });
    expect(marked.alive()).toHaveLength(1);
  });

  test("refuses a signal that does not exist", async () => {
    await using guard = await startGuard();
    await expect(guard.signalAll("SIGNONE" as NodeJS.Signals)).rejects.toBeInstanceOf(TypeError);
  });
});

describe("survey()", () => {
  test("counts what a wrapper that has ended left running, and ends nothing", async () => {
    using marked = mark();
    await using guard = await startGuard();
    const wrapper = await guard.spawn("perl", [program("daemon.pl"), "sleep", "60"], {
      env: marked.env,
      output: "inherit",
    });
    await wrapper.exited;
    const { reached, someReached } = await waitFor(
      async () => {
        const report = await guard.survey();
        return report.someReached.every(({ name }) => name === "sleep") ? report : undefined;
      },
      { what: "the daemon alone" },
    );
    expect([reached, someReached.map(({ name }) => name)]).toEqual([1, ["sleep"]]);
    expect(marked.alive()).toHaveLength(1);
  });
});

describe("killAll()", () => {
  test("says how many processes it had to kill, and names some", async () => {
    using marked = mark();
    await using guard = await startGuard();
    const { env } = marked;
    for (let n = 0; n < 12; n++) await guard.spawn("sleep", ["60"], { env, output: "inherit" });
    const { killed, someKilled } = await guard.killAll();
    expect(killed).toBe(12);
    expect(someKilled).toHaveLength(8);
    expect(new Set(someKilled.map(({ name }) => name))).toEqual(new Set(["sleep"]));
    expect((await guard.killAll()).killed).toBe(0);
  });
});

describe("a file that is to be withdrawn", () => {
  test("goes with killAll(), and again with the next one", async () => {
    await using folder = tempDir();
    await using guard = await startGuard();
    const file = join(folder.path, "is_master");
    await guard.withdrawAtKill([file]);
    for (let round = 0; round < 2; round++) {
      writeFileSync(file, "");
      await guard.killAll();
      expect(existsSync(file)).toBe(false);
    }
  });

  test("stays when the list has been replaced by an empty one", async () => {
    await using folder = tempDir();
    await using guard = await startGuard();
    const file = join(folder.path, "is_master");
    await guard.withdrawAtKill([file]);
    await guard.withdrawAtKill([]);
    writeFileSync(file, "");
    await guard.killAll();
    expect(existsSync(file)).toBe(true);
  });

  const faults = ["supervisor killed", "supervisor frozen", "inner killed", "outer killed"] as const;
  test.each(faults)("is gone no later than the last process: %s", async (fault) => {
    using marked = mark();
    await using folder = tempDir();
    const file = join(folder.path, "is_master");
    writeFileSync(file, "");
    await using supervisor = startSupervisor(
      {
        spawn: [["sh", "-c", "trap '' TERM; setsid sleep 60 & wait"]],
        withdraw: [file],
        ...(fault === "supervisor frozen" && { deadlineMs: 500 }),
      },
      marked,
    );
    const { guard } = await supervisor.event("ready");
    if (fault === "supervisor killed") killNow(supervisor.pid);
    else if (fault === "supervisor frozen") await freeze(supervisor.pid);
    else killNow((fault === "inner killed" ? guard?.inner : guard?.outer) ?? 0);
    await waitFor(() => marked.alive().length === 0, { what: "everything to be killed", intervalMs: 1 });
    // The guard is the last process of the node. With a supervisor that is frozen, not dead, it waits for that.
    if (fault === "supervisor frozen") await waitFor(() => !existsSync(file), { what: "the file to go" });
    else {
      const pids = [guard?.outer ?? 0, guard?.inner ?? 0];
      await waitFor(() => !pids.some(isAlive), { what: "the guard to end", intervalMs: 1 });
      expect(existsSync(file)).toBe(false);
    }
  });

  test("is refused unless its path is absolute, and so are too many", async () => {
    await using guard = await startGuard();
    await expect(guard.withdrawAtKill(["is_master"])).rejects.toBeInstanceOf(TypeError);
    await expect(guard.withdrawAtKill(["/a", "/b", "/c", "/d", "/e"])).rejects.toBeInstanceOf(TypeError);
    await expect(guard.withdrawAtKill(["/a\0b"])).rejects.toBeInstanceOf(TypeError);
    expect(guard.lost.aborted).toBe(false);
  });
});
