import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { getFreePort } from "@msdha/testkit";
import { expect, it } from "vitest";

const example = fileURLToPath(new URL("./example.ts", import.meta.url));

it("shows an example in the README that leads a real HAProxy to its second master", async () => {
  const readme = await readFile(new URL("../README.md", import.meta.url), "utf8");
  expect(readme).toContain(`\`\`\`ts\n${await readFile(example, "utf8")}\`\`\``);
  const env = { PATH: process.env["PATH"], PORT: String(await getFreePort()) };
  const run = promisify(execFile)(process.execPath, ["--conditions=@msdha/source", example], { env });
  expect((await run).stdout).toContain("{ name: 'm1', address: '10.0.0.3', port: 5432, state: 'ready' }");
});
