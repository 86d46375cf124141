import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
import { tempDir, waitFor } from "@msdha/testkit";
import { beforeAll, describe, expect, test } from "vitest";
import { startGuard } from "../src/index.ts";
import {
  buildGuard,
  freeze,
  isAlive,
  mark,
  parentOf,
  processesWhere,
  program,
  sizeOf,
  waitForGrowth,
} from "./support.ts";

beforeAll(buildGuard);

describe("killAll() kills, and then nothing writes any more,", () => {
  const cases: { title: string; command: (file: string) => [string, ...string[]] }[] = [
    {
      title: "a process that ignores every signal it can",
      command: (file) => ["perl", program("write.pl"), file],
    },
    {
      title: "a daemon that forked twice and has a session of its own",
      command: (file) => ["perl", program("daemon.pl"), "perl", program("write.pl"), file],
    },
    {
      title: "children in sessions of their own whose parent is killed",
      command: (file) => ["sh", "-c", `setsid perl ${program("write.pl")} ${file} & wait`],
    },
    {
      title: "a daemon that was started by a daemon",
      command: (file) => [
        "perl",
        program("daemon.pl"),
        "perl",
        program("daemon.pl"),
        "perl",
        program("write.pl"),
        file,
      ],
    },
    {
      title: "a process that closed every file and changed its environment",
      command: (file) => [
        "perl",
        program("shed.pl"),
        "env",
        "-i",
        "/usr/bin/perl",
        program("write.pl"),
        file,
      ],
    },
    {
      title: "a stopped process",
      command: (file) => ["sh", "-c", `perl ${program("write.pl")} ${file} & sleep 0.2; kill -STOP $$`],
    },
    {
      title: "what runs in a process namespace of its own",
      command: (file) => ["unshare", "--pid", "--fork", "perl", program("write.pl"), file],
    },
    {
      title: "a chain of processes that fork, leave their session and end, thousands in a second",
      command: (file) => ["perl", program("comet.pl"), file, "20"],
    },
  ];

  test.each(cases)("$title", async ({ command }) => {
    using marked = mark();
    await using folder = tempDir();
    await using guard = await startGuard({ lockFile: join(folder.path, "lock") });
    const file = join(folder.path, "growing");
    const [program, ...args] = command(file);
    await guard.spawn(program, args, { env: marked.env, output: "inherit" });
    await waitForGrowth(file);
    await guard.killAll();
    const size = sizeOf(file);
    expect(marked.alive()).toEqual([]);
    expect(processesWhere((pid) => parentOf(pid) === guard.pids.inner)).toEqual([]);
    // Used again, which also gives a writer that was missed its time.
    const { exited } = await guard.spawn("sleep", ["0.1"], { env: marked.env, output: "inherit" });
    expect(await exited).toEqual({ code: 0, signal: null });
    expect(sizeOf(file)).toBe(size);
    expect(guard.lost.aborted).toBe(false);
  });

  test("a tree of 255 processes that start one another again", async () => {
    using marked = mark();
    await using guard = await startGuard();
    await guard.spawn("perl", [program("bomb.pl"), "7", "20"], { env: marked.env, output: "inherit" });
    await waitFor(() => marked.alive().length > 150, { what: "the tree to grow" });
    await guard.killAll();
    expect(marked.alive()).toEqual([]);
    await guard.gone();
  });
});

test("a start while everything is being killed is refused", async () => {
  using marked = mark();
  await using guard = await startGuard();
  const options = { env: marked.env, output: "inherit" } as const;
  const { exited } = await guard.spawn("sleep", ["60"], options);
  // It finds both requests when it goes on, and so has not yet killed anything when it reads the second.
  const { inner } = guard.pids;
  await freeze(inner);
  const killed = guard.killAll();
  const refused = expect(guard.spawn("sleep", ["60"], options)).rejects.toMatchObject({
    code: "ERR_SPAWN_FAILED",
    step: "refused",
  });
  await setImmediate();
  process.kill(inner, "SIGCONT");
  await refused;
  await killed;
  expect(await exited).toEqual({ code: null, signal: "SIGKILL" });
});

test("gone() waits for the last descendant, not for what was started", async () => {
  using marked = mark();
  await using guard = await startGuard();
  const options = { env: marked.env, output: "inherit" } as const;
  await guard.gone();
  const { exited } = await guard.spawn("perl", [program("daemon.pl"), "sleep", "0.5"], options);
  await exited;
  expect(guard.alive).toBe(0);
  let gone = false;
  const waiting = Promise.all([guard.gone(), guard.gone()]).then(() => {
    gone = true;
  });
  await guard.setDeadline(undefined); // an answer that comes after those, if they came at once
  expect(gone).toBe(false);
  await waiting;
  expect(marked.alive()).toEqual([]);
});

test("a process that was not started here is left alone, though it has the lock file open", async () => {
  using marked = mark();
  await using folder = tempDir();
  const lockFile = join(folder.path, "lock");
  await using guard = await startGuard({ lockFile });
  await using other = await startGuard();
  const stranger = await other.spawn("sh", ["-c", `exec 5>>${lockFile}; sleep 60`], {
    env: marked.env,
    output: "inherit",
  });
  await guard.spawn("sleep", ["60"], { env: marked.env, output: "inherit" });
  await guard.killAll();
  expect(isAlive(stranger.pid)).toBe(true);
  await guard[Symbol.asyncDispose]();
  expect(isAlive(stranger.pid)).toBe(true);
});
