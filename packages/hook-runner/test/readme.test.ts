import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";

const example = fileURLToPath(new URL("example.ts", import.meta.url));

test("the README's example is this one", async () => {
  const readme = await readFile(new URL("../README.md", import.meta.url), "utf8");
  expect(readme).toContain(`\`\`\`ts\n${await readFile(example, "utf8")}\`\`\``);
});

test("the README's example works", async () => {
  const { stdout } = await promisify(execFile)(process.execPath, ["--conditions=@msdha/source", example]);
  expect(stdout).toContain(
    "missing hooks are skipped: undefined\nready: hello world\nhook ready ended with code 3",
  );
});
