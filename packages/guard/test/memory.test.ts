import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { systemClock } from "@msdha/clock";
import { tempDir, waitFor } from "@msdha/testkit";
import { beforeAll, describe, expect, test } from "vitest";
import { guardBinary, startGuard } from "../src/index.ts";
import { buildGuard, leaveNoMemory, mark, program } from "./support.ts";

beforeAll(buildGuard);

const family = ["sh", "-c", "trap '' TERM; for i in 1 2 3 4 5; do setsid sleep 60 & done; wait"] as const;

describe("a guard without any memory left", () => {
  test("signals, counts and kills everything, and says so", async () => {
    using marked = mark();
    await using guard = await startGuard();
    const [file, ...args] = family;
    await guard.spawn(file, args, { env: marked.env, output: "inherit" });
    await waitFor(() => marked.alive().length === 6, { what: "the family" });
    leaveNoMemory(guard);
    expect(await guard.survey()).toMatchObject({ reached: 6, denied: 0 });
    expect(await guard.killAll()).toMatchObject({ killed: 6 });
    expect(marked.alive()).toEqual([]);
    expect(guard.lost.aborted).toBe(false);
  });

  test("kills a fork bomb at its deadline", async () => {
    using marked = mark();
    await using guard = await startGuard();
    await guard.spawn("perl", [program("bomb.pl"), "7", "20"], { env: marked.env, output: "inherit" });
    await waitFor(() => marked.alive().length > 150, { what: "the tree to grow" });
    leaveNoMemory(guard);
    await guard.setDeadline(systemClock.now()).catch(() => {});
    await guard.gone();
    expect(marked.alive()).toEqual([]);
  });

  test("ends in order when a command does not fit", async () => {
    using marked = mark();
    await using guard = await startGuard();
    leaveNoMemory(guard);
    const long = "x".repeat(100_000);
    await expect(
      guard.spawn("sh", ["-c", ":", ...Array(30).fill(long)], { env: marked.env, output: "inherit" }),
    ).rejects.toMatchObject({ code: "ERR_GUARD_LOST" });
    await guard.gone();
  });

  test("keeps its deadline while programs write, whose output waits", async () => {
    using marked = mark();
    await using guard = await startGuard();
    await guard.spawn("yes", [], { env: marked.env, output: "pipe" });
    leaveNoMemory(guard);
    await guard.setDeadline(systemClock.now() + 300);
    await guard.gone();
    expect(marked.alive()).toEqual([]);
  });
});

test("locks its memory, and says so", async () => {
  await using guard = await startGuard();
  expect(guard.memoryLocked).toBe(true);
  for (const pid of Object.values(guard.pids)) {
    const locked = /^VmLck:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
    expect(Number(locked)).toBeGreaterThan(100);
  }
});

test("says that it could not lock its memory", async () => {
  await using folder = tempDir();
  const binary = join(folder.path, "guard");
  const drop = "setpriv --bounding-set=-ipc_lock --inh-caps=-all";
  execFileSync("sh", ["-c", `printf '#!/bin/sh\nulimit -l 8; exec ${drop} "$0" "$@"' > "$1"`, "sh", binary]);
  execFileSync("sed", ["-i", `s|"\\$0"|${guardBinary()}|`, binary]);
  execFileSync("chmod", ["755", binary]);
  await using guard = await startGuard({ binary });
  expect(guard.memoryLocked).toBe(false);
});
