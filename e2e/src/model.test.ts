import { execa } from "execa";
import { describe, expect, test } from "vitest";

/** What the script ends with where Spin is not there and can't be installed. */
const NO_SPIN = 77;
const script = new URL("../../script/check-model", import.meta.url).pathname;

test("the model of the protocol holds, and needs each of its rules", { timeout: 600_000 }, async ({
  skip,
}) => {
  const { exitCode, stdout, stderr } = await execa(script, { reject: false });
  if (exitCode === NO_SPIN) skip(stderr);
  expect(exitCode, stdout + stderr).toBe(0);
  const lines = stdout.split("\n");
  expect(lines.filter((line) => line.includes(": holds (")).length).toBe(4);
  expect(lines.filter((line) => line.includes(": violation found, as it should (")).length).toBeGreaterThan(
    10,
  );
});

describe("wrong arguments of script/check-model", () => {
  test.each([
    [["--nonsense"], /^script\/check-model: expected --trace NAME, --help, or nothing, got "--nonsense"$/],
    [[""], /got ""$/],
    [["--trace"], /^script\/check-model: --trace: expected one of three-nodes, .*, machine-paused, got ""$/],
    [["--trace", "no-wait\nno-guard"], /expected one of/],
    [["--trace", "no-wait", "no-guard"], /expected nothing after --trace no-wait, got "no-guard"$/],
  ])("%j are refused in a line", async (args, why) => {
    const { exitCode, stdout, stderr } = await execa(script, args, { reject: false });
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: "" });
    expect(stderr).toMatch(why);
  });
});
