import { type ExecFileException, execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";

const PATIENCE_MS = 120_000;
const program = fileURLToPath(new URL("../src/main.ts", import.meta.url));
const crash = fileURLToPath(new URL("support/crash.ts", import.meta.url));

interface Output {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

function run(file: string, args: readonly string[]): Promise<Output> {
  return new Promise((resolve) => {
    execFile(file, args, (error: ExecFileException | null, stdout, stderr) =>
      resolve({ code: typeof error?.code === "number" ? error.code : 0, stdout, stderr }),
    );
  });
}

function simulate(...args: readonly string[]): Promise<Output> {
  return run(process.execPath, ["--conditions=@msdha/source", program, ...args]);
}

/** With code that crashes in some seeds. */
function crashing(...args: readonly string[]): Promise<Output> {
  return run(process.execPath, ["--conditions=@msdha/source", "--import", crash, program, ...args]);
}

test("seeds are run on several threads, and the rate is told", { timeout: PATIENCE_MS }, async () => {
  const { code, stdout } = await simulate("--seeds", "30", "--workers", "2");
  expect(code).toBe(0);
  expect(stdout).toMatch(/^30 seeds, 0 violations; .* hours per second\n$/);
});

test("a violation is told with its trace and with what replays it", { timeout: PATIENCE_MS }, async () => {
  const flags = ["--mutation", "noWait", "--only", "oneMasterRuns"];
  const many = await simulate("--seeds", "20", ...flags);
  expect(many.code).toBe(1);
  expect(many.stdout).toMatch(/took the master lock/);
  const [, command = ""] = /replay with: script\/simulate (.*)\n$/.exec(many.stdout) ?? [];
  expect(command).toMatch(/^--seed \d+ --trace --mutation noWait --only oneMasterRuns --faults \d+$/);
  const one = await simulate(...command.split(" "));
  expect(one.code).toBe(1);
  expect(one.stdout).toMatch(/\nseed \d+: VIOLATION at .* oneMasterRuns/);
  expect(many.stdout).toContain(one.stdout.trim());
});

describe("code that crashes", () => {
  test("is a violation of each seed that it crashes in", { timeout: PATIENCE_MS }, async () => {
    const { code, stdout } = await crashing("--seeds", "8", "--workers", "2");
    expect(code).toBe(1);
    const told = stdout.split("\n").filter((line) => line.includes("VIOLATION: "));
    expect([...new Set(told)].sort()).toEqual([
      "seed 3: VIOLATION: nothingCrashes: TypeError: thrown at once",
      "seed 5: VIOLATION: nothingCrashes: RangeError: rejected unheard",
      "seed 6: VIOLATION: nothingCrashes: RangeError: thrown unheard",
    ]);
    expect(stdout).toMatch(/^8 seeds, 3 violations;/m);
    expect(stdout).toMatch(/\nreplay with: script\/simulate --seed 3 --trace --faults \d+\n$/);
  });

  test.each(["5", "6"])(
    "ends the trace of seed %s, with its stack",
    { timeout: PATIENCE_MS },
    async (seed) => {
      const { code, stdout } = await crashing("--seed", seed, "--trace");
      expect(code).toBe(1);
      expect(stdout).toMatch(/^ +0\.0 +scenario/);
      expect(stdout).toMatch(/\nRangeError: .* unheard\n +at .*crashing-scenario\.ts:/);
      expect(stdout).toMatch(
        new RegExp(`\\nseed ${seed}: VIOLATION: nothingCrashes: RangeError: .* unheard\\n$`),
      );
    },
  );

  test("and ends a whole thread is told with its seed", { timeout: PATIENCE_MS }, async () => {
    expect(await crashing("--seeds", "2", "--from", "8", "--workers", "1")).toMatchObject({
      code: 70,
      stderr: expect.stringMatching(/^script\/simulate: the thread of seed 9 ended: .* 7$/m),
    });
  });
});

test("what it can't make sense of is refused", { timeout: PATIENCE_MS }, async () => {
  expect(await simulate("--seeds", "many")).toMatchObject({
    code: 64,
    stdout: "",
    stderr: expect.stringMatching(/^script\/simulate: --seeds: expected .*\n$/),
  });
});

test("it ends quietly when nobody reads on", { timeout: PATIENCE_MS }, async () => {
  const command = 'set -o pipefail; "$0" --conditions=@msdha/source "$1" --seed 1 --trace | head -n 1';
  const { code, stdout, stderr } = await run("bash", ["-c", command, process.execPath, program]);
  expect(code).toBe(141);
  expect(stdout).toMatch(/^ +0\.0 +scenario .*\n$/);
  expect(stderr).toBe("");
});
