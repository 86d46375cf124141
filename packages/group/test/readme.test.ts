import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { startEtcd } from "@msdha/testkit";
import { expect, test } from "vitest";

const example = fileURLToPath(new URL("example.ts", import.meta.url));

test("the README's example is this one", async () => {
  const readme = await readFile(new URL("../README.md", import.meta.url), "utf8");
  expect(readme).toContain(`\`\`\`ts\n${await readFile(example, "utf8")}\`\`\``);
});

test("the README's example works", async () => {
  await using etcd = await startEtcd();
  const { stdout } = await promisify(execFile)(process.execPath, ["--conditions=@msdha/source", example], {
    env: { ETCDCTL_ENDPOINTS: etcd.endpoint },
  });
  expect(stdout).toMatch(/kind: 'master', *name: 'a', *address: '127.0.0.1', *token: \d+.*handed over/s);
});
