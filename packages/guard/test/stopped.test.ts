import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { tempDir, waitFor } from "@msdha/testkit";
import { beforeAll, describe, expect, test } from "vitest";
import { type Guard, type GuardedProcess, startGuard } from "../src/index.ts";
import { buildGuard, freeze, type Mark, mark, processesWhere, stateOf } from "./support.ts";

beforeAll(buildGuard);

/** Ends with 7 at any signal that may ask it to, and says once that it runs. */
const server = (file: string): string =>
  `perl -e '$SIG{$_} = sub { exit 7 } for qw(TERM INT QUIT HUP USR1); open(F, ">", "${file}"); close F; sleep 1 while 1'`;

/** Resolves with the pid of the perl that has made `file`. */
async function pidOf(file: string): Promise<number> {
  await waitFor(() => existsSync(file), { what: `${file} to be made` });
  const [pid = 0] = processesWhere((each) => isPerlOf(each, file));
  return pid;
}

function isPerlOf(pid: number, file: string): boolean {
  const [program, , script] = commandOf(pid);
  return program === "perl" && script?.includes(file) === true;
}

const commandOf = (pid: number): readonly string[] =>
  readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0");

function start(guard: Guard, { env }: Mark, script: string): Promise<GuardedProcess> {
  return guard.spawn("sh", ["-c", script], { env, output: "inherit" });
}

describe("a process that is stopped", () => {
  test.each(["SIGTERM", "SIGINT", "SIGQUIT"] as const)("goes on, to end, after %s", async (signal) => {
    using marked = mark();
    await using folder = tempDir();
    await using guard = await startGuard();
    const file = join(folder.path, "up");
    const main = await start(guard, marked, `exec ${server(file)}`);
    await freeze(await pidOf(file));
    main.kill(signal);
    expect(await main.exited).toEqual({ code: 7, signal: null });
  });

  test.each(["SIGHUP", "SIGUSR1"] as const)("stays so after %s, which may be news for it", async (signal) => {
    using marked = mark();
    await using folder = tempDir();
    await using guard = await startGuard();
    const file = join(folder.path, "up");
    const main = await start(guard, marked, `exec ${server(file)}`);
    await freeze(main.pid);
    main.kill(signal);
    await guard.survey();
    expect(stateOf(main.pid)).toBe("T");
  });

  test("goes on when its parent is asked to end, which waits for it", async () => {
    using marked = mark();
    await using folder = tempDir();
    await using guard = await startGuard();
    const file = join(folder.path, "up");
    const script = `${server(file)} & part=$!; trap 'kill $part; wait $part; exit $?' TERM; wait; wait`;
    const main = await start(guard, marked, script);
    await freeze(await pidOf(file));
    main.kill("SIGTERM");
    expect(await main.exited).toEqual({ code: 7, signal: null });
  });

  test("goes on, with the rest of its group, when the group is asked to end", async () => {
    using marked = mark();
    await using folder = tempDir();
    await using guard = await startGuard();
    const file = join(folder.path, "up");
    const main = await start(guard, marked, `${server(file)}; exit $?`);
    await freeze(main.pid, await pidOf(file));
    main.kill("SIGTERM", { group: true });
    await guard.gone();
    expect(marked.alive()).toEqual([]);
  });

  test("goes on, to end, when signalAll() asks it to", async () => {
    using marked = mark();
    await using folder = tempDir();
    await using guard = await startGuard();
    const file = join(folder.path, "up");
    await start(guard, marked, `setsid ${server(file)} & wait`);
    await freeze(await pidOf(file));
    expect((await guard.signalAll("SIGTERM")).denied).toBe(0);
    await guard.gone();
    expect(await guard.killAll()).toEqual({ killed: 0, someKilled: [] });
  });

  test.each(["SIGTERM", "SIGUSR1"] as const)(
    "goes on, to end, when it is an orphan that gets %s",
    async (signal) => {
      using marked = mark();
      await using folder = tempDir();
      await using guard = await startGuard();
      const file = join(folder.path, "up");
      const wrapper = await start(guard, marked, `setsid ${server(file)} & wait`);
      await freeze(await pidOf(file));
      wrapper.kill("SIGKILL");
      await wrapper.exited;
      guard.signalOrphans(signal);
      await guard.gone();
      expect(await guard.killAll()).toEqual({ killed: 0, someKilled: [] });
    },
  );
});
