import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { getFreePort, waitFor } from "@msdha/testkit";
import { describe, expect, onTestFailed, test } from "vitest";
import { startGroup, type TestGroup } from "./support/group.ts";
import { aliveScripts, claimScript, scriptOf } from "./support/hooks-page.ts";
import type { TestNode } from "./support/node.ts";

const scripts = [
  "start",
  "pre_start",
  "running_not_ready",
  "node_state_change",
  "candidate",
  "master",
  "report",
  "pre_stop",
];

interface Place {
  readonly addresses: Readonly<Record<string, string>>;
  readonly port: number;
}

/** Starts a node with the page's hooks, but for the port and the folder, and with commands that the page leaves open. */
function startRedis(group: TestGroup, name: string, { addresses, port }: Place): TestNode {
  const address = addresses[name] ?? "";
  const folder = join(group.dir, `redis-${name}`);
  const [data, bin] = [join(folder, "data"), join(folder, "bin")];
  for (const dir of [data, bin]) mkdirSync(dir, { recursive: true });
  const command = (file: string, text: string): void =>
    writeFileSync(join(bin, file), `#!/bin/sh\n${text}\n`, { mode: 0o755 });
  command("redis-cli", `exec /usr/bin/redis-cli -h ${address} -p ${port} "$@"`);
  command("make-initial-data", 'mkdir "$1/appendonlydir"');
  command("initialise", "echo made the first data");
  command("copy-from-master", "echo copied");
  const adapt = (script: string): string =>
    script
      .replaceAll("/data", data)
      .replaceAll("6379", String(port))
      .replace("--bind 0.0.0.0", `--bind ${address} --port ${port}`)
      .replace(/^#!\/bin\/sh\n/, "");
  const hooks = Object.fromEntries(scripts.map((hook) => [hook, adapt(scriptOf(hook))]));
  const node = group.start(name, {
    env: { MSDHA_ADDRESS: address, PATH: `${bin}:${process.env["PATH"]}`, MSDHA_ALIVE_INTERVAL: "1" },
    hooks: {
      ...hooks,
      pre_start: `${hooks["pre_start"]}\n${claimScript}\n`,
      alive: adapt(aliveScripts.get("Redis") ?? ""),
      // So that the test knows who is promoted.
      master: `${hooks["master"]}\necho "master ${name} $(cat "$MSDHA_RUN_DIR/run_id") $$ $(($(date +%s%N) / 1000000)) 0" >>${group.journal.path}`,
    },
  });
  onTestFailed(() => console.error(`--- log of ${name}\n${node.log()}`));
  return node;
}

async function report({ etcd, name }: TestGroup, node: string): Promise<string> {
  return (await etcd.etcdctl("get", "--print-value-only", `/msdha/${name}/_report/${node}`)).trim();
}

describe("docs/hooks.md", () => {
  test("has scripts that sh can read", () => {
    expect([...aliveScripts.keys()]).toEqual(["TCP", "HTTP", "Redis", "PostgreSQL", "SQL"]);
    for (const script of [...scripts.map(scriptOf), ...aliveScripts.values(), claimScript]) {
      expect(script).not.toBe("");
      const { status, stderr } = spawnSync("sh", ["-n"], { input: script, encoding: "utf8" });
      expect(status, `${stderr}\n${script}`).toBe(0);
    }
  });

  test("makes a Redis group that keeps its data in a crash and in a planned stop", async () => {
    await using group = await startGroup();
    const place = { addresses: { a: "127.0.71.1", b: "127.0.71.2" }, port: await getFreePort() };
    const ask = (name: "a" | "b", ...args: readonly string[]): string => {
      const at = ["-h", place.addresses[name], "-p", String(place.port)];
      return execFileSync("redis-cli", [...at, ...args], { encoding: "utf8" }).trim();
    };
    /** Waits until the other node has it: `wait` only knows the writes of its own connection. */
    const write = (name: "a" | "b", value: string): string =>
      execFileSync("redis-cli", ["-h", place.addresses[name], "-p", String(place.port)], {
        encoding: "utf8",
        input: `set k ${value}\nwait 1 5000\n`,
      }).trim();
    const linked = (name: "a" | "b"): Promise<unknown> =>
      waitFor(() => ask(name, "info", "replication").includes("master_link_status:up"), {
        what: `${name} to replicate`,
        timeoutMs: 30_000,
      });
    const a = startRedis(group, "a", place);
    await group.masterAmong([a]);
    expect(a.log()).toMatch(/made the first data/);
    const b = startRedis(group, "b", place);
    await group.state("b", "ready");
    expect(b.log()).toMatch(/copied/);
    await linked("b");
    expect(write("a", "1")).toBe("OK\n1");
    await waitFor(async () => (await report(group, "b")) === '{"behind":0,"note":"link_status:up"}', {
      what: "b to report that it is not behind",
      timeoutMs: 30_000,
    });

    await a.child.kill();
    await group.masterAmong([b]);
    expect(ask("b", "get", "k")).toBe("1");
    const again = startRedis(group, "a", place);
    await group.state("a", "ready");
    expect(again.log()).toMatch(/the former run ended in state master without cleaning up/);
    await linked("a");
    expect(ask("b", "set", "k", "2")).toBe("OK");

    b.stop();
    expect(await b.exited()).toBe(0);
    expect(b.log()).toMatch(/INFO +OK hook=pre_stop\n(.*\n)*?.*INFO +1 hook=pre_stop/);
    await waitFor(async () => (await group.master()) === "a", { what: "a to be the master again" });
    await waitFor(() => ask("a", "role").startsWith("master"), { what: "its promotion" });
    expect(ask("a", "get", "k")).toBe("2");
  });
});
