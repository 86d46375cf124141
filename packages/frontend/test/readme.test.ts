import { execFile } from "node:child_process";
import { chmodSync, writeFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { getFreePort, startEtcd, tempDir } from "@msdha/testkit";
import { describe, expect, it } from "vitest";
import { knownVariables } from "../src/config.ts";
import { frontendCommand, openGroup } from "./support.ts";

const [readme, example] = await Promise.all(
  ["../README.md", "./example.sh"].map((file) => readFile(new URL(file, import.meta.url), "utf8")),
);

describe("the README", () => {
  it("shows an example that runs", async () => {
    expect(readme).toContain(`\`\`\`sh\n${example}\`\`\``);
    await using etcd = await startEtcd();
    await using group = openGroup(etcd, "db");
    await using folder = tempDir();
    await group.becomeMaster("a", { address: "127.0.0.2" });
    const command = join(folder.path, "msdha-frontend");
    writeFileSync(command, `#!/bin/sh\nexec ${frontendCommand.join(" ")} "$@"\n`);
    chmodSync(command, 0o755);
    const port = await getFreePort();
    const script = (example ?? "")
      .replace("http://127.0.0.1:2379", etcd.endpoint)
      .replace("5432", String(port))
      .replace("/run/msdha", join(folder.path, "run"));
    const { PATH } = process.env;
    const env = { PATH: `${folder.path}:${PATH}`, MSDHA_BIND: "127.0.0.1" };
    const { stdout } = await promisify(execFile)("sh", ["-c", script], { env });
    expect(stdout).toContain("stopped");
    expect(stdout).toContain(`"route":"serve","master":{"name":"a","address":"127.0.0.2"`);
  });

  it("has a row for every variable", () => {
    const rows = [...(readme ?? "").matchAll(/^\| `(MSDHA_\w+)` +\|/gm)].map(([, name]) => name);
    expect(rows.toSorted()).toEqual([...knownVariables].toSorted());
  });
});
