import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { execa } from "execa";
import { expect, test } from "vitest";
import { startGroup } from "./support/group.ts";
import type { TestNode } from "./support/node.ts";
import { backendCommand } from "./support/paths.ts";

function ask({ runDir }: TestNode, ...options: readonly string[]) {
  const env = { MSDHA_RUN_DIR: runDir };
  return execa(backendCommand, ["healthcheck", ...options], { env, reject: false });
}

test("finds a run folder that is given by a file", async () => {
  await using group = await startGroup();
  const node = group.start("a");
  await group.state("a", "ready");
  const file = join(node.runDir, "..", "run-dir");
  writeFileSync(file, `${node.runDir}\n`);
  const askBy = (path: string) =>
    execa(backendCommand, ["healthcheck"], { env: { MSDHA_RUN_DIR_FILE: path }, reject: false });
  expect((await askBy(file)).exitCode).toBe(0);
  expect((await askBy("/none")).exitCode).toBe(78);
});

test("healthcheck --ready waits for a slave that could take over, healthcheck does not", async () => {
  await using group = await startGroup();
  const [a, b] = ["a", "b"].map((name) =>
    group.start(name, {
      hooks: { running_not_ready: 'until [ -e "$MSDHA_RUN_DIR/go" ]; do sleep 0.05; done' },
    }),
  ) as [TestNode, TestNode];
  for (const node of [a, b]) await group.state(node.name, "running_not_ready");
  expect(await ask(b)).toMatchObject({ exitCode: 0, stdout: "running_not_ready" });
  expect(await ask(b, "--ready")).toMatchObject({
    exitCode: 1,
    stderr: "msdha-backend: the node is not ready: it is running_not_ready",
  });

  writeFileSync(join(a.runDir, "go"), "");
  await group.masterAmong([a]);
  expect(await ask(a, "--ready")).toMatchObject({ exitCode: 0, stdout: "master" });
  expect(await ask(b, "--ready")).toMatchObject({ exitCode: 1 });

  writeFileSync(join(b.runDir, "go"), "");
  await group.state("b", "ready");
  expect(await ask(b, "--ready")).toMatchObject({ exitCode: 0, stdout: "ready" });
});
