import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { startEtcd, tempDir } from "@msdha/testkit";
import { expect, test } from "vitest";

const example = fileURLToPath(new URL("example.sh", import.meta.url));

test("the README's example is this one", async () => {
  const readme = await readFile(new URL("../README.md", import.meta.url), "utf8");
  expect(readme).toContain(`\`\`\`sh\n${await readFile(example, "utf8")}\`\`\``);
});

test("the README's example works", async () => {
  await using etcd = await startEtcd();
  await using dir = tempDir();
  const bin = fileURLToPath(new URL("../bin", import.meta.url));
  const { stdout, stderr } = await promisify(execFile)("sh", ["-e", example], {
    cwd: dir.path,
    env: { PATH: `${bin}:${process.env["PATH"]}`, ETCDCTL_ENDPOINTS: etcd.endpoint },
  });
  expect(JSON.parse(stdout)).toMatchObject({ node: "one", state: "master", master: "one" });
  expect(stderr).toMatch(/promoted with token \d+ hook=master/);
  expect(stderr).toMatch(/handedOver=true/);
});
