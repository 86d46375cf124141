import { execFile } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { type Child, startChild, startEtcd, tempDir, waitFor } from "@msdha/testkit";
import { expect, test } from "vitest";

const example = join(import.meta.dirname, "example.ts");

const sessionExample = join(import.meta.dirname, "session-example.ts");

test.each([example, sessionExample])("the README shows %s", (file) => {
  const readme = readFileSync(join(import.meta.dirname, "..", "README.md"), "utf8");
  expect(readme).toContain(`\`\`\`ts\n${readFileSync(file, "utf8")}\`\`\``);
});

test("the example of a session has two locks, and hands both over", async () => {
  await using etcd = await startEtcd();
  const env = { ETCDCTL_ENDPOINTS: etcd.endpoint };
  const argv = ["--conditions=@msdha/source", sessionExample];
  const { stdout } = await promisify(execFile)(process.execPath, argv, { env });
  expect(stdout).toBe("two locks, two tokens: true\nhanded over: true, true\n");
});

test("the example runs its job on one host at a time, also when etcd restarts", async () => {
  await using etcd = await startEtcd();
  await using dir = tempDir();
  const journal = join(dir.path, "journal");
  writeFileSync(journal, "");
  const loop = `while [ -e ${journal} ]; do echo "$TOKEN" >> ${journal}; sleep 0.1; done`;
  writeFileSync(join(dir.path, "import.sh"), `${loop}\n`);
  const env = { PATH: process.env["PATH"], ETCDCTL_ENDPOINTS: etcd.endpoint };
  const start = (name: string): Child =>
    startChild(
      "sh",
      ["-c", `cd ${dir.path} && exec ${process.execPath} --conditions=@msdha/source ${example}`],
      { logFile: join(dir.path, `${name}.log`), env },
    );
  const tokens = (): readonly number[] =>
    readFileSync(journal, "utf8").split("\n").filter(Boolean).map(Number);
  const newest = (): number => Math.max(0, ...tokens());
  await using _a = start("a");
  await using _b = start("b");
  await waitFor(() => tokens().length > 3, { what: "the job's first run", timeoutMs: 60_000 });
  const first = newest();
  await etcd.kill();
  await etcd.restart();
  await etcd.ready();
  // A restart of etcd alone takes no lock away, as long as it takes less than a TTL; on a busy machine it may take more.
  const { length } = tokens();
  await waitFor(() => tokens().length > length + 3, { what: "the job to go on", timeoutMs: 60_000 });
  expect(newest()).toBeGreaterThanOrEqual(first);
  const before = newest();
  await etcd.etcdctl("del", "/jobs/import/lock");
  await waitFor(() => newest() > before, { what: "the job's next run", timeoutMs: 60_000 });
  const written = tokens();
  expect(written).toEqual(written.toSorted((one, other) => one - other));
}, 240_000);
