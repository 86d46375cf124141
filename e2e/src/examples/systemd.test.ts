import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { tempDir } from "@msdha/testkit";
import { execa } from "execa";
import { describe, expect, test } from "vitest";
import { backendCommand, frontendCommand } from "../support/paths.ts";
import { parseVariables, refusedVariables } from "./refused-variables.ts";

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
    const text = readFileSync(join(FOLDER, `${app}.env.example`), "utf8");
    expect(await refusedVariables(command, parseVariables(text))).toEqual([]);
  });
});

test("a variable that no program knows would be noticed", async () => {
  for (const command of [backendCommand, frontendCommand]) {
    const refused = await refusedVariables(command, {
      MSDHA_GROUP: "db",
      MSDHA_PORT: "1",
      MSDHA_NAMEN: "db1",
    });
    expect(refused.join()).toContain("MSDHA_NAMEN");
  }
});
