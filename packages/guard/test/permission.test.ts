import { makeSetuidProgram, tempDir, waitFor } from "@msdha/testkit";
import { beforeAll, describe, expect, test } from "vitest";
import type { StartedGuard } from "../src/index.ts";
import { startAs, users } from "./as-user.ts";
import { buildGuard, killNow, type Mark, mark } from "./support.ts";

beforeAll(buildGuard);

const isRoot = process.geteuid?.() === 0;
const because = isRoot ? "" : " (skipped: needs root)";

/** Starts the command, and resolves once what should be `sleep` is. */
async function startSleep(
  guard: StartedGuard,
  { env }: Mark,
  ...command: readonly string[]
): Promise<number> {
  const [file = "", ...args] = [...command, "sleep", "60"];
  const { pid } = await guard.spawn(file, args, { env, cwd: "/", output: "inherit" });
  await waitFor(
    async () => {
      const { someReached, someDenied } = await guard.survey();
      return [...someReached, ...someDenied].some(({ name }) => name === "sleep");
    },
    { what: "the program to be what it should" },
  );
  return pid;
}

const asNobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"];

describe(`a guard that may kill what it starts${because}`, { skip: !isRoot }, () => {
  test.each([
    ["as root, a program of another user", users.root, asNobody],
    [
      "as root with CAP_KILL, CAP_SETUID and CAP_SETGID alone, a program of another user",
      users.rootWithThree,
      asNobody,
    ],
    ["as another user without capabilities, a program of its own", users.other, []],
  ] as const)("%s", async (_, user, become) => {
    using marked = mark();
    await using folder = tempDir();
    const { guard, denials } = await startAs(user, folder, { noNewPrivileges: user === users.other });
    await using _guard = guard;
    await startSleep(guard, marked, ...become);
    expect(await guard.survey()).toMatchObject({ reached: 1, denied: 0 });
    expect(await guard.killAll()).toMatchObject({ killed: 1 });
    expect(marked.alive()).toEqual([]);
    expect(denials).toEqual([]);
  });

  test("a setuid program does not become root under no_new_privs", async () => {
    using marked = mark();
    await using folder = tempDir();
    const { guard } = await startAs(users.otherWithCapabilities, folder, { noNewPrivileges: true });
    await using _guard = guard;
    await startSleep(guard, marked, makeSetuidProgram(folder.path));
    expect(await guard.survey()).toMatchObject({ reached: 1, denied: 0 });
    await guard.killAll();
    expect(marked.alive()).toEqual([]);
  });
});

describe(`a guard that may not${because}`, { skip: !isRoot }, () => {
  test.each([
    ["as root without CAP_KILL, a program of another user", users.rootWithoutKill, 65_534],
    ["as another user, a program that became root", users.otherWithCapabilities, 0],
  ] as const)("%s", async (_, user, owner) => {
    using marked = mark();
    await using folder = tempDir();
    const { guard, denials } = await startAs(user, folder, { noNewPrivileges: false });
    await using _guard = guard;
    const become = owner === 0 ? [makeSetuidProgram(folder.path)] : asNobody;
    const pid = await startSleep(guard, marked, ...become);
    const denied = { pid, name: "sleep", user: owner, errno: "EPERM" };

    expect(await guard.survey()).toEqual({ reached: 0, someReached: [], denied: 1, someDenied: [denied] });
    expect(await guard.signalAll("SIGTERM")).toMatchObject({ reached: 0, denied: 1 });
    for (let call = 0; call < 2; call++) {
      await expect(guard.killAll()).rejects.toMatchObject({
        code: "ERR_KILL_NOT_PERMITTED",
        processes: [denied],
      });
    }
    expect(denials.map(({ processes }) => processes)).toEqual([[denied], [denied]]);
    expect(marked.alive()).toEqual([pid]);

    let gone = false;
    const waiting = guard.gone().then(() => {
      gone = true;
    });
    await guard.setDeadline(undefined); // an answer that comes after that one, if it came at once
    expect(gone).toBe(false);
    killNow(pid);
    await waiting;
    expect(await guard.killAll()).toEqual({ killed: 0, someKilled: [] });
  });

  test("tells of a signal to one process that does not reach it", async () => {
    using marked = mark();
    await using folder = tempDir();
    const { guard, denials } = await startAs(users.rootWithoutKill, folder, { noNewPrivileges: false });
    await using _guard = guard;
    const { env } = marked;
    const command = [...asNobody.slice(1), "sleep", "60"];
    const started = await guard.spawn("setpriv", command, { env, cwd: "/", output: "inherit" });
    await waitFor(async () => (await guard.survey()).denied === 1, { what: "another user's program" });
    started.kill("SIGTERM", { group: true });
    await waitFor(() => denials.length > 0, { what: "the denial" });
    expect(denials[0]?.processes).toEqual([
      { pid: started.pid, name: "sleep", user: 65_534, errno: "EPERM" },
    ]);
    killNow(started.pid);
    expect(await started.exited).toEqual({ code: null, signal: "SIGKILL" });
  });

  test("at its deadline says so, and not that all is gone, until it is", async () => {
    using marked = mark();
    await using folder = tempDir();
    const { guard } = await startAs(users.rootWithoutKill, folder, { noNewPrivileges: false });
    await using _guard = guard;
    const pid = await startSleep(guard, marked, ...asNobody);
    await guard.setDeadline(0).catch(() => {});
    await waitFor(() => guard.lost.aborted, { what: "the deadline" });
    await waitFor(
      () =>
        guard.killAll().then(
          () => false,
          (error) => error.code === "ERR_KILL_NOT_PERMITTED",
        ),
      { what: "the denial" },
    );
    killNow(pid);
    await guard.gone();
  });
});
