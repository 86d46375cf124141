import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { tempDir } from "@msdha/testkit";
import { execa } from "execa";

/** Reads a file of variables, as systemd and Podman do. */
export function parseVariables(text: string): Record<string, string> {
  const lines = text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  return Object.fromEntries(lines.map((line) => line.split(/=(.*)/s).slice(0, 2)));
}

/** Starts a program with an example's variables, and resolves with those lines in which it refuses one. */
export async function refusedVariables(
  command: string,
  variables: Readonly<Record<string, string>>,
): Promise<readonly string[]> {
  await using folder = tempDir();
  const secret = join(folder.path, "secret");
  writeFileSync(secret, "secret");
  mkdirSync(join(folder.path, "hooks"));
  const given = Object.entries(variables).map(([name, value]) => [
    name,
    name.endsWith("_FILE") ? secret : value,
  ]);
  // Settings are read first: what is wrong then is etcd, or the hooks, and not a variable.
  const env = {
    ...Object.fromEntries(given),
    PATH: process.env["PATH"],
    ETCDCTL_ENDPOINTS: "http://127.0.0.1:1",
    MSDHA_ETCD_TIMEOUT: "0.1",
    MSDHA_RUN_DIR: join(folder.path, "run"),
    MSDHA_HOOKS_DIR: join(folder.path, "hooks"),
  };
  const { all } = await execa(command, [], { env, extendEnv: false, all: true, reject: false });
  return all
    .split("\n")
    .filter((line) => /^msdha-\w+: (MSDHA_(?!HOOKS_DIR)\w+|ETCDCTL_\w+): expected/.test(line));
}
