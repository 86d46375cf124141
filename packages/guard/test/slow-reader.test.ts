import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import type { Socket } from "node:net";
import { systemClock } from "@msdha/clock";
import { waitFor } from "@msdha/testkit";
import { beforeAll, expect, test } from "vitest";
import { guardBinary } from "../src/index.ts";
import { encodeSpawn } from "../src/protocol.ts";
import { buildGuard, freeze, isAlive, killNow, mark, startSupervisor } from "./support.ts";

beforeAll(buildGuard);

const flood = ["sh", "-c", "yes & setsid yes >&2 & wait"] as const;

function memoryOf(pid: number): number {
  return Number(/VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]);
}

test("a supervisor that does not read costs no memory, and neither deadline nor reports are lost", async () => {
  using marked = mark();
  await using supervisor = startSupervisor(
    { spawn: [flood, flood, flood], output: "pipe", deadlineMs: 1_500 },
    marked,
  );
  const { guard: pids, deadline } = await supervisor.event("ready");
  const before = memoryOf(pids?.inner ?? 0);
  await freeze(supervisor.pid);
  await waitFor(() => marked.alive().length === 0, { what: "everything to be killed", intervalMs: 5 });
  expect(systemClock.now()).toBeLessThan(Number(deadline) + 400);
  // A guard with sanitizers begins with 6 to 11 MB, as its addresses fall.
  expect(memoryOf(pids?.inner ?? 0) - before).toBeLessThan(4_000);
  supervisor.process.kill("SIGCONT");
  const { outputBytes } = await supervisor.event("gone");
  expect(outputBytes).toBeGreaterThan(100_000);
  expect(supervisor.events.filter(({ event }) => event === "exited")).toHaveLength(3);
  expect((await supervisor.event("lost"))["code"]).toBe("ERR_GUARD_PAST_DEADLINE");
});

test("a supervisor that dies without having read does not keep the guard", async () => {
  using marked = mark();
  await using supervisor = startSupervisor({ spawn: [flood], output: "pipe" }, marked);
  const { guard: pids } = await supervisor.event("ready");
  await freeze(supervisor.pid);
  killNow(supervisor.pid);
  await waitFor(() => ![pids?.outer ?? 0, pids?.inner ?? 0].some(isAlive), { what: "the guard to end" });
  expect(marked.alive()).toEqual([]);
});

test.each([0, 1, 30])(
  "a supervisor that dies after reading %i chunks of output does not keep the guard",
  async (limit) => {
    using marked = mark();
    const guard = spawn(guardBinary(), [], {
      stdio: ["ignore", "inherit", "inherit", "pipe", "pipe"],
      env: {},
    });
    const ended = once(guard, "exit");
    const [inner, outer] = [guard.stdio[3] as Socket, guard.stdio[4] as Socket];
    for (const stream of [inner, outer]) stream.on("error", () => {});
    inner.write(encodeSpawn({ id: 1, piped: true, cwd: "/", file: "yes", args: [], env: marked.env }));
    for (let chunks = 0; chunks < limit; chunks++) await once(inner, "data");
    inner.destroy(); // at 0 even before its greeting, which it then cannot write
    outer.destroy();
    await ended;
    expect(marked.alive()).toEqual([]);
  },
);
