import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const PATIENCE_MS = 120_000;
const program = fileURLToPath(new URL("../src/main.ts", import.meta.url));

function simulate(...args: readonly string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    const command = ["--conditions=@msdha/source", program, ...args];
    execFile(process.execPath, command, (error, stdout, stderr) =>
      resolve({ code: typeof error?.code === "number" ? error.code : 0, stdout, stderr }),
    );
  });
}

test("seeds are run on several threads, and the rate is told", { timeout: PATIENCE_MS }, async () => {
  const { code, stdout } = await simulate("--seeds", "30", "--workers", "2");
  expect(code).toBe(0);
  expect(stdout).toMatch(/^30 seeds, 0 violations; .* hours per second\n$/);
});

test("a violation is told with its trace and with what replays it", { timeout: PATIENCE_MS }, async () => {
  const many = await simulate("--seeds", "40", "--mutation", "noWait");
  expect(many.code).toBe(1);
  expect(many.stdout).toMatch(/took the master lock/);
  const [, seed = ""] =
    /replay with: script\/simulate --seed (\d+) --trace --mutation noWait\n$/.exec(many.stdout) ?? [];
  const one = await simulate("--seed", seed, "--mutation", "noWait");
  expect(one.code).toBe(1);
  expect(one.stdout).toMatch(new RegExp(`^seed ${seed}: VIOLATION`));
  expect(many.stdout).toContain(one.stdout.trim());
});

test("what it can't make sense of is refused", { timeout: PATIENCE_MS }, async () => {
  expect(await simulate("--seeds", "many")).toMatchObject({ code: 64, stdout: "" });
  expect((await simulate("--seeds", "1", "--mutation", "none")).stderr).toContain("unknown mutation none");
});
