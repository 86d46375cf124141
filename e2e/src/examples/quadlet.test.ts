import { cpSync, existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { tempDir } from "@msdha/testkit";
import { execa } from "execa";
import { describe, expect, test } from "vitest";
import { backendCommand, frontendCommand } from "../support/paths.ts";
import { parseVariables, refusedVariables } from "./refused-variables.ts";

const ROOT = fileURLToPath(new URL("../../..", import.meta.url));
const FOLDER = join(ROOT, "examples/quadlet");
/** Podman's own, or the one that script/setup takes from a newer Debian. */
const quadlet = ["/usr/libexec/podman/quadlet", join(ROOT, ".tools/podman/quadlet")].find((file) =>
  existsSync(file),
);
const containers = readdirSync(FOLDER).filter((name) => name.endsWith(".container"));

/** Runs the generator on a folder; its units are by name. */
async function generate(folder: string) {
  const env = { QUADLET_UNIT_DIRS: folder };
  const { exitCode, stdout, stderr } = await execa(quadlet ?? "", ["-dryrun"], { env, reject: false });
  const parts = stdout.split(/^---(\S+)---$/m).slice(1);
  const units = new Map<string, string>();
  for (let index = 0; index < parts.length; index += 2) units.set(parts[index] ?? "", parts[index + 1] ?? "");
  return { exitCode, stderr, units };
}

describe.skipIf(quadlet === undefined)("the quadlet example", () => {
  test("is what Podman's generator makes units of, which systemd takes without a warning", async () => {
    const { exitCode, stderr, units } = await generate(FOLDER);
    expect(stderr).not.toMatch(/unsupported|converting/);
    expect(exitCode).toBe(0);
    const services = [...units.keys()];
    const names = ["etcd", "etcd-volume", "frontend", "node", "node-volume"];
    expect(new Set(services)).toEqual(new Set(names.map((name) => `msdha-${name}.service`)));
    await using folder = tempDir();
    for (const [name, text] of units) {
      // The machine need not have Podman; the program's name is not what is checked.
      writeFileSync(join(folder.path, name), text.replaceAll("/usr/bin/podman", "/bin/true"));
    }
    for (const name of services) {
      const file = join(folder.path, name);
      const options = ["verify", "--man=no", file];
      const env = { SYSTEMD_UNIT_PATH: `${folder.path}:` };
      const { all } = await execa("systemd-analyze", options, { env, all: true, reject: false });
      // [X-Container] and its like are for the generator, and ignored.
      const warnings = all.split("\n").filter((line) => line.includes(name) && !/\[X-/.test(line));
      expect(warnings).toEqual([]);
    }
  });

  test("a misspelt setting would be noticed", async () => {
    await using folder = tempDir();
    cpSync(FOLDER, folder.path, { recursive: true });
    const file = join(folder.path, "msdha-node.container");
    writeFileSync(file, readFileSync(file, "utf8").replace("StopTimeout=", "StopTimout="));
    const { exitCode, stderr } = await generate(folder.path);
    expect(stderr).toContain("unsupported key 'StopTimout'");
    expect(exitCode).not.toBe(0);
  });

  test("gives each container longer to stop than its program takes, and systemd longer still", () => {
    const dockerfile = readFileSync(join(ROOT, "Dockerfile"), "utf8");
    const stop = Number(/MSDHA_STOP_TIMEOUT=(\d+)/.exec(dockerfile)?.[1]);
    const text = readFileSync(join(FOLDER, "msdha-node.container"), "utf8");
    const [container, systemd] = ["StopTimeout", "TimeoutStopSec"].map((name) =>
      Number(new RegExp(`^${name}=(\\d+)`, "m").exec(text)?.[1]),
    );
    expect(container).toBeGreaterThan(stop);
    expect(systemd).toBeGreaterThan(container ?? 0);
  });

  test.each(containers)("%s reads a file of variables that the example shows", (name) => {
    const text = readFileSync(join(FOLDER, name), "utf8");
    const [, env = ""] = /^EnvironmentFile=\/etc\/msdha\/(\S+)$/m.exec(text) ?? [];
    expect(existsSync(join(FOLDER, `${env}.example`))).toBe(true);
  });

  test.each([
    ["node", backendCommand],
    ["frontend", frontendCommand],
  ])("%s.env.example has the variables that the program needs", async (name, command) => {
    const text = readFileSync(join(FOLDER, `${name}.env.example`), "utf8");
    expect(await refusedVariables(command, parseVariables(text))).toEqual([]);
  });
});
