import { execa } from "execa";
import { expect, test } from "vitest";

/** What the script ends with where Spin is not there and can't be installed. */
const NO_SPIN = 77;

test("the model of the protocol holds, and needs each of its rules", { timeout: 600_000 }, async ({
  skip,
}) => {
  const script = new URL("../../script/check-model", import.meta.url).pathname;
  const { exitCode, stdout, stderr } = await execa(script, { reject: false });
  if (exitCode === NO_SPIN) skip(stderr);
  expect(exitCode, stdout + stderr).toBe(0);
  const lines = stdout.split("\n");
  expect(lines.filter((line) => line.includes(": holds (")).length).toBe(2);
  expect(lines.filter((line) => line.includes(": violation found, as it should (")).length).toBeGreaterThan(
    10,
  );
});
