import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { tempDir } from "@msdha/testkit";
import { execa } from "execa";
import { describe, expect, test } from "vitest";
import { backendCommand, frontendCommand } from "../support/paths.ts";

const FOLDER = fileURLToPath(new URL("../../../examples/systemd", import.meta.url));
const units = readdirSync(FOLDER).filter((name) => name.endsWith(".service"));
/** Where the programs are on this machine. */
const programs: Readonly<Record<string, string>> = {
  "/usr/local/bin/msdha-backend": backendCommand,
  "/usr/local/bin/msdha-frontend": frontendCommand,
};

describe("the systemd example", () => {
  test.each(units)("%s is a unit that systemd takes without a warning", async (name) => {
    await using folder = tempDir();
    const text = readFileSync(join(FOLDER, name), "utf8");
    const [, program = ""] = /^ExecStart=(\S+)/m.exec(text) ?? [];
    const file = join(folder.path, name);
    writeFileSync(file, text.replace(program, programs[program] ?? program));
    const { exitCode, all } = await execa("systemd-analyze", ["verify", "--man=no", file], {
      all: true,
      reject: false,
    });
    expect(all.split("\n").filter((line) => line.includes(name))).toEqual([]);
    expect(exitCode).toBe(0);
  });

  test("a misspelt setting of a unit would be noticed", async () => {
    await using folder = tempDir();
    const file = join(folder.path, "msdha-backend.service");
    const text = readFileSync(join(FOLDER, "msdha-backend.service"), "utf8");
    writeFileSync(file, text.replace("KillMode=mixed", "KillMode=some"));
    const { all } = await execa("systemd-analyze", ["verify", "--man=no", file], {
      all: true,
      reject: false,
    });
    expect(all).toContain("kill mode");
  });

  test.each([
    ["backend", backendCommand],
    ["frontend", frontendCommand],
  ])("%s.env.example has the variables that the program needs", async (app, command) => {
    await using folder = tempDir();
    const text = readFileSync(join(FOLDER, `${app}.env.example`), "utf8");
    const variables = Object.fromEntries(
      text
        .trim()
        .split("\n")
        .map((line) => line.split(/=(.*)/s).slice(0, 2)),
    );
    mkdirSync(join(folder.path, "hooks"));
    // Settings are read first: what is wrong then is etcd, or the hooks, and not a variable.
    const env = {
      ...variables,
      PATH: process.env["PATH"],
      ETCDCTL_ENDPOINTS: "http://127.0.0.1:1",
      MSDHA_ETCD_TIMEOUT: "0.1",
      MSDHA_RUN_DIR: join(folder.path, "run"),
      MSDHA_HOOKS_DIR: join(folder.path, "hooks"),
    };
    const { all } = await execa(command, [], { env, extendEnv: false, all: true, reject: false });
    expect(all).not.toMatch(/^MSDHA_(?!HOOKS_DIR)\w+: expected|ETCDCTL_\w+: expected/m);
  });
});
