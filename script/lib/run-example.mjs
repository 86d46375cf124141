// Runs an example of a README against an etcd of its own, until it ends.
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

/** An example that takes longer is killed, and has failed. */
const LIMIT_MS = 60_000;

/** Starts Debian's etcd with an empty folder on free ports. */
export async function startEtcd() {
  const folder = mkdtempSync(join(tmpdir(), "msdha-etcd-"));
  const [client, peer] = await freePorts(2);
  const endpoint = `http://127.0.0.1:${client}`;
  const peers = `http://127.0.0.1:${peer}`;
  const args = [
    ...["--data-dir", folder, "--listen-client-urls", endpoint, "--advertise-client-urls", endpoint],
    ...["--listen-peer-urls", peers, "--initial-advertise-peer-urls", peers],
    ...["--initial-cluster", `default=${peers}`],
  ];
  const child = spawn("etcd", args, { stdio: "ignore" });
  const ended = new Promise((resolve) => child.once("exit", resolve));
  const put = (key, value) => post(`${endpoint}/v3/kv/put`, { key: btoa(key), value: btoa(value) });
  while (!(await put("started", "yes").catch(() => false))) await sleep(50);
  return {
    endpoint,
    put,
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await ended;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/**
 * Runs a program to its end. With `changes` a key changes meanwhile, for programs that end when they have seen it; with
 * `until` it is killed when what it printed matches. Resolves with whether it ended with 0, or was killed for that, and with
 * what it printed.
 */
export async function runExample(node, file, { etcd, cwd, changes, until }) {
  const [port] = await freePorts(1);
  const env = { PATH: process.env.PATH, ETCDCTL_ENDPOINTS: etcd.endpoint, PORT: String(port) };
  const child = spawn(node, [file], { cwd, env, stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  let matched = false;
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (chunk) => {
      output += chunk;
      if (matched || !until?.test(output)) return;
      matched = true;
      child.kill("SIGKILL");
    });
  }
  const ended = new Promise((resolve) => child.once("close", (code, signal) => resolve({ code, signal })));
  const limit = setTimeout(() => child.kill("SIGKILL"), LIMIT_MS);
  let over = false;
  const drive = (async () => {
    while (changes && !over) {
      await etcd.put("/msdha/db/a", "ready").catch(() => {});
      await sleep(300);
      await etcd.put("/msdha/db/a", "stop").catch(() => {});
      await sleep(300);
    }
  })();
  const { code, signal } = await ended;
  over = true;
  clearTimeout(limit);
  await drive;
  return { ok: code === 0 || matched, output: `${output}\n(ended with ${signal ?? code})` };
}

async function post(url, body) {
  const answer = await fetch(url, { method: "POST", body: JSON.stringify(body) });
  return answer.ok;
}

async function freePorts(count) {
  const servers = Array.from({ length: count }, () => createServer().listen(0, "127.0.0.1"));
  await Promise.all(servers.map((server) => new Promise((resolve) => server.once("listening", resolve))));
  const ports = servers.map((server) => server.address().port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}
