import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { execa } from "execa";
import { describe, expect, test } from "vitest";
import { allFaults } from "./faults/all-faults.ts";
import { describeAgain, readOptions } from "./options.ts";

const main = fileURLToPath(new URL("main.ts", import.meta.url));
const script = fileURLToPath(new URL("../../../script/chaos", import.meta.url));

test("the command that does the same again has all that it depends on, as a shell takes it", () => {
  const folder = mkdtempSync(join(tmpdir(), "msdha's code-"));
  try {
    for (const app of ["backend", "frontend"]) {
      mkdirSync(join(folder, app, "dist"), { recursive: true });
      writeFileSync(join(folder, app, "dist", `msdha-${app}.mjs`), "");
    }
    const pattern = "^(stop|kill)";
    const flags = ["--minutes", "2", "--only", pattern, "--code", folder, "--keep-going", "--json", "--keep"];
    const options = readOptions([...flags, "--seed", "s7-a"]);
    expect(options.faults.length).toBeGreaterThan(1);
    expect(describeAgain(options)).toBe(
      `script/chaos --seed s7-a --minutes 2 --faults ${allFaults.length} --only '${pattern}' --code '${folder.replace("'", "'\\''")}' --keep-going`,
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
  expect(describeAgain(readOptions(["--seed", "2609"]))).toBe(
    `script/chaos --seed 2609 --minutes 5 --faults ${allFaults.length}`,
  );
});

describe.concurrent("wrong arguments", () => {
  test.each([
    [["--only", "["], "Expected a regular expression. SyntaxError: Invalid regular expression: /[/"],
    [["--only", "nothing"], "No fault has such a name"],
    [["--minutes", "0"], "Expected a number of minutes above 0"],
    [["--faults", "0"], "Expected a whole number from 1 to"],
    [["--code", "/nowhere"], "There is no /nowhere/backend/dist/msdha-backend.mjs."],
    [["--nonsense"], "unknown option '--nonsense'"],
    [["1"], "too many arguments"],
  ])("%j are refused in a line", async (args, why) => {
    const { exitCode, stderr } = await execa(
      process.execPath,
      ["--conditions=@msdha/source", main, ...args],
      { reject: false },
    );
    expect(exitCode).toBe(1);
    expect(stderr).toContain(why);
    expect(stderr.trim().split("\n").length).toBe(1);
  });
});

test("script/chaos reads its arguments before it sets up anything", async () => {
  const { stdout, stderr } = await execa(script, ["--help"]);
  expect(stdout).toMatch(/^Usage: script\/chaos/);
  expect(stderr).toBe("");
});
