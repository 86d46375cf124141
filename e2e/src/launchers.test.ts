import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { tempDir } from "@msdha/testkit";
import { execa } from "execa";
import { describe, expect, test } from "vitest";
import { backendCommand, frontendCommand, msdhaCommand } from "./support/paths.ts";

const programs = [
  { name: "msdha-backend", command: backendCommand, says: "healthcheck" },
  { name: "msdha-frontend", command: frontendCommand, says: "healthcheck" },
  { name: "msdha", command: msdhaCommand, says: "switchover" },
];

describe.each(programs)("$name", ({ name, command, says }) => {
  test.each(["--version", "-V"])("says its version without any Node (%s)", async (option) => {
    const { stdout: version } = await execa(command, [option], { env: { MSDHA_NODE: "/none" } });
    expect(version).toMatch(new RegExp(`^${name} \\d+\\.\\d+\\.\\d+$`));
  });

  test("says what it can do", async () => {
    const { stdout: help } = await execa(command, ["--help"]);
    expect(help).toContain(`Usage: ${name}`);
    expect(help).toContain(says);
  });

  test("names what is missing when it is run without settings", async () => {
    const { exitCode, stderr } = await execa(command, [], {
      env: { PATH: process.env["PATH"] },
      extendEnv: false,
      reject: false,
    });
    expect(exitCode).toBe(78);
    expect(stderr).toContain("ETCDCTL_ENDPOINTS: expected");
    expect(stderr).toContain("MSDHA_GROUP: expected");
  });

  test.each([
    ["an old Node", "echo v20.19.5", "v20.19.5"],
    ["no Node", "exit 127", "none"],
  ])("asks for a newer one in one line when it finds %s", async (_, body, got) => {
    await using folder = tempDir();
    mkdirSync(join(folder.path, "bin"));
    const node = join(folder.path, "bin", "node");
    writeFileSync(node, `#!/bin/sh\n${body}\n`, { mode: 0o755 });
    const { exitCode, stderr } = await execa(command, [], { env: { MSDHA_NODE: node }, reject: false });
    expect(exitCode).toBe(69);
    expect(stderr).toBe(
      `${name}: expected Node 24 or later, got ${got} (${node}): install it, or name it in MSDHA_NODE`,
    );
  });
});
