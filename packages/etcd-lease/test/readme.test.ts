import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { startEtcd } from "@msdha/testkit";
import { expect, test } from "vitest";

const example = join(import.meta.dirname, "example.ts");

test("the README shows the example, and the example works", async () => {
  const readme = readFileSync(join(import.meta.dirname, "..", "README.md"), "utf8");
  expect(readme).toContain(`\`\`\`ts\n${readFileSync(example, "utf8")}\`\`\``);
  await using etcd = await startEtcd();
  const env = { PATH: process.env["PATH"], ETCDCTL_ENDPOINTS: etcd.endpoint };
  const run = promisify(execFile)(process.execPath, ["--conditions=@msdha/source", example], { env });
  const { stdout, stderr } = await run;
  expect(stdout).toMatch(/^nobody else had the key before [\d.]+, and it is ours until [\d.]+\n$/);
  expect(stderr).toBe("");
  expect(await etcd.etcdctl("get", "--prefix", "/")).toBe("");
});
