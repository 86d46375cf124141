import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { getFreePort, startChild, tempDir, waitFor } from "@msdha/testkit";
import { execa } from "execa";
import { expect, test } from "vitest";
import { root } from "./support/images.ts";

const docker = (...args: readonly string[]) => execa("docker", args);

test("the release builds only what the registry lacks, and never writes a tag again", async () => {
  await using folder = tempDir();
  const port = await getFreePort();
  const config = join(folder.path, "config.yml");
  const storage = `storage: { filesystem: { rootdirectory: ${join(folder.path, "data")} } }`;
  writeFileSync(config, `version: 0.1\n${storage}\nhttp: { addr: "127.0.0.1:${port}" }\n`);
  await using registry = startChild("docker-registry", ["serve", config], {
    logFile: join(folder.path, "log"),
  });
  await waitFor(() => fetch(`http://127.0.0.1:${port}/v2/`).then(({ ok }) => ok), { what: "the registry" });

  const name = (image: string, tag: string): string => `127.0.0.1:${port}/msdha-${image}:${tag}`;
  const tags = (image: string) => ({ tags: [name(image, "0.1.0"), name(image, "latest")] });
  const missing = (targets: readonly string[]) =>
    execa("node", [join(root, "script/lib/missing-images.mjs")], {
      input: JSON.stringify({ target: Object.fromEntries(targets.map((image) => [image, tags(image)])) }),
      reject: false,
    });
  const push = async (image: string): Promise<void> => {
    await docker("tag", first, name(image, "0.1.0"));
    await docker("push", name(image, "0.1.0"));
    await docker("rmi", name(image, "0.1.0"));
  };

  const context = join(folder.path, "context");
  mkdirSync(context);
  writeFileSync(join(context, "Dockerfile"), "FROM scratch\nCOPY Dockerfile /\n");
  const first = `msdha-test-release:${port}`;
  await docker("build", "--quiet", "--tag", first, context);
  try {
    expect((await missing(["backend", "frontend"])).stdout).toBe("backend\nfrontend");
    await push("backend");
    const some = await missing(["backend", "frontend"]);
    expect(some.stdout).toBe("frontend");
    expect(some.stderr).toContain(`${name("backend", "0.1.0")} is there, and is left as it is`);
    await push("frontend");
    expect(await missing(["backend", "frontend"])).toMatchObject({ exitCode: 0, stdout: "" });
  } finally {
    await docker("rmi", first);
  }

  await registry.kill();
  const away = await missing(["backend"]);
  expect(away).toMatchObject({ exitCode: 1, stdout: "" });
});
