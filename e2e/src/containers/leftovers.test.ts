import { spawn } from "node:child_process";
import { join } from "node:path";
import { waitFor } from "@msdha/testkit";
import { execa } from "execa";
import { expect, test } from "vitest";
import { root } from "./support/images.ts";
import { removeAfter, TEST_LABEL } from "./support/leftovers.ts";

const docker = async (...args: readonly string[]): Promise<string> => (await execa("docker", args)).stdout;

test("what an interrupted run has made is removed when its process is gone, and not before", async () => {
  const process = spawn("sleep", ["600"], { stdio: "ignore" });
  const { pid } = process;
  if (pid === undefined) throw new Error("sleep did not start");
  const run = `${pid}-1`;
  const label = ["--label", `${TEST_LABEL}=${run}`];
  using _ = removeAfter(pid);
  try {
    await docker("network", "create", ...label, `msdha-left-${run}`);
    await docker("volume", "create", ...label, `msdha-left-${run}`);
    const left = ["--detach", "--restart", "always", "--network", `msdha-left-${run}`];
    const mount = ["--volume", `msdha-left-${run}:/data`, "--entrypoint", "sleep"];
    await docker("run", ...label, ...left, ...mount, "msdha-example-etcd", "600");
    const count = async (): Promise<number> => {
      const found = await Promise.all(
        ["ps", "network ls", "volume ls"].map((kind) =>
          docker(...kind.split(" "), "--quiet", "--filter", `label=${TEST_LABEL}=${run}`),
        ),
      );
      return found.join("\n").split("\n").filter(Boolean).length;
    };
    await execa(join(root, "script/lib/remove-leftovers"));
    expect(await count()).toBe(3);
    process.kill("SIGKILL");
    await waitFor(async () => (await count()) === 0, { what: "nothing left", timeoutMs: 60_000 });
  } finally {
    process.kill("SIGKILL");
    await execa(join(root, "script/lib/remove-leftovers"), [run]);
  }
});
