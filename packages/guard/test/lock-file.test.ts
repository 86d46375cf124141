import { copyFile, mkdir, open } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { tempDir, waitFor } from "@msdha/testkit";
import { beforeAll, expect, test } from "vitest";
import {
  findLockHolders,
  GuardMissingError,
  guardBinary,
  type StartedGuard,
  startGuard,
} from "../src/index.ts";
import { buildGuard, mark, program } from "./support.ts";

beforeAll(buildGuard);

test("a second guard on the same file is refused, names who holds it, and does the first no harm", async () => {
  using marked = mark();
  await using folder = tempDir();
  const lockFile = join(folder.path, "lock");
  await using first = await startGuard({ lockFile });
  const { pid } = await first.spawn("sleep", ["60"], { env: marked.env, output: "inherit" });
  const holders = [first.pids.outer, first.pids.inner, pid].sort((a, b) => a - b);
  for (let round = 0; round < 3; round++) {
    const error = await startGuard({ lockFile }).catch((error: unknown) => error);
    expect(error).toMatchObject({ code: "ERR_GUARD_BUSY", lockFile });
    expect([...(error as { holders: number[] }).holders].sort((a, b) => a - b)).toEqual(holders);
  }
  await first.setDeadline(undefined);
  expect(marked.alive()).toEqual([pid]);
  expect(first.lost.aborted).toBe(false);
});

test("the file is free again when the first has ended, and one that waits gets it then", async () => {
  using marked = mark();
  await using folder = tempDir();
  const lockFile = join(folder.path, "lock");
  const first = await startGuard({ lockFile });
  await first.spawn("perl", [program("daemon.pl"), "sleep", "60"], { env: marked.env, output: "inherit" });
  let second: StartedGuard | undefined;
  const waiting = startGuard({ lockFile, lockWaitMs: 30_000 }).then((guard) => {
    second = guard;
  });
  await waitFor(async () => (await findLockHolders(lockFile)).length >= 3, { what: "the holders" });
  expect(second).toBeUndefined();
  await first[Symbol.asyncDispose]();
  await waiting;
  expect(marked.alive()).toEqual([]);
  await second?.[Symbol.asyncDispose]();
  expect(await findLockHolders(lockFile)).toEqual([]);
});

test("the wait for the file ends on abort, and then nothing is left of the attempt", async () => {
  await using folder = tempDir();
  const lockFile = join(folder.path, "lock");
  await using first = await startGuard({ lockFile });
  const stop = new AbortController();
  const waiting = startGuard({ lockFile, lockWaitMs: 30_000, signal: stop.signal });
  stop.abort(new Error("enough"));
  await expect(waiting).rejects.toThrow("enough");
  await first[Symbol.asyncDispose]();
  await using next = await startGuard({ lockFile });
  expect(next.lost.aborted).toBe(false);
  await expect(startGuard({ signal: AbortSignal.abort(new Error("no")) })).rejects.toThrow("no");
});

test.each([Number.POSITIVE_INFINITY, 1e300, 1e15])("waits for the file for %s ms", async (lockWaitMs) => {
  await using folder = tempDir();
  const lockFile = join(folder.path, "lock");
  const first = await startGuard({ lockFile });
  const stop = new AbortController();
  const waiting = startGuard({ lockFile, lockWaitMs, signal: stop.signal }).catch((error: unknown) => error);
  const outcome = await Promise.race([waiting, sleep(500).then(() => "waits")]);
  expect(outcome).toBe("waits");
  stop.abort(new Error("enough"));
  expect(await waiting).toMatchObject({ message: "enough" });
  await first[Symbol.asyncDispose]();
});

test("a file that cannot be opened is told with its name and the system's error", async () => {
  await using folder = tempDir();
  const missing = join(folder.path, "none", "lock");
  await expect(startGuard({ lockFile: missing })).rejects.toThrow(`opening the lock file ${missing}: ENOENT`);
  await mkdir(join(folder.path, "directory"));
  await expect(startGuard({ lockFile: join(folder.path, "directory") })).rejects.toMatchObject({
    code: "ERR_GUARD_START",
  });
});

test("a missing program is told with the way to build it", async () => {
  const error = await startGuard({ binary: "/no/guard" }).catch((error: unknown) => error);
  expect(error).toBeInstanceOf(GuardMissingError);
  expect((error as Error).message).toContain("/no/guard: build it with packages/guard/build.sh");
});

test("a program that is no guard is told", async () => {
  await expect(startGuard({ binary: "/bin/true" })).rejects.toMatchObject({ code: "ERR_GUARD_START" });
});

test("a program that cannot be executed now is told, whichever way Node tells it", async () => {
  await using folder = tempDir();
  const binary = join(folder.path, "guard");
  await copyFile(guardBinary(), binary);
  await using _writer = await open(binary, "r+");
  await expect(startGuard({ binary })).rejects.toMatchObject({
    code: "ERR_GUARD_START",
    message: expect.stringContaining("ETXTBSY"),
  });
});

test("what makes no sense is refused with what was expected", async () => {
  await using guard = await startGuard();
  await expect(guard.setDeadline("soon" as unknown as number)).rejects.toThrow(TypeError);
  const output = "ignore" as unknown as "inherit";
  await expect(guard.spawn("true", [], { env: {}, output })).rejects.toThrow(TypeError);
});

test("timings that make no sense are refused", async () => {
  await expect(startGuard({ silentMs: 0 })).rejects.toThrow(TypeError);
  await expect(startGuard({ lockWaitMs: -1 })).rejects.toThrow(TypeError);
});
