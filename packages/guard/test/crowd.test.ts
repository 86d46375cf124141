import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { systemClock } from "@msdha/clock";
import { tempDir, waitFor } from "@msdha/testkit";
import { beforeAll, expect, test } from "vitest";
import { type StartedGuard, startGuard } from "../src/index.ts";
import { buildGuard, leaveNoMemory, mark, program } from "./support.ts";

beforeAll(buildGuard);

const CROWD = 5_000;

async function startCrowd(guard: StartedGuard, env: NodeJS.ProcessEnv, folder: string): Promise<void> {
  const file = join(folder, "crowd");
  execFileSync("cc", ["-O1", "-static", "-o", file, program("crowd.c")]);
  let output = "";
  await guard.spawn(file, [String(CROWD)], {
    env,
    output: "pipe",
    onOutput: (_, chunk) => {
      output += chunk;
    },
  });
  await waitFor(() => output.includes("all there"), { what: "the crowd", timeoutMs: 60_000 });
}

test("5,000 processes are counted, and killed to the last one", async () => {
  using marked = mark();
  await using folder = tempDir();
  await using guard = await startGuard();
  await startCrowd(guard, marked.env, folder.path);
  expect(await guard.survey()).toMatchObject({ reached: CROWD, denied: 0 });
  expect(await guard.killAll()).toMatchObject({ killed: CROWD });
  expect(guard.lost.aborted).toBe(false);
});

test.each(["", " without any memory for the guard"])(
  "5,000 processes are killed at the deadline%s",
  async (how) => {
    using marked = mark();
    await using folder = tempDir();
    await using guard = await startGuard();
    await startCrowd(guard, marked.env, folder.path);
    if (how !== "") leaveNoMemory(guard);
    await guard.setDeadline(systemClock.now()).catch(() => {});
    await guard.gone();
    expect(marked.alive()).toEqual([]);
  },
);
