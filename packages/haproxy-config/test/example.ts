import { spawn } from "node:child_process";
import { mkdtempSync, writeFileSync } from "node:fs";
import { createRuntimeApi, createSwitcher, renderConfig, waitForRuntimeApi } from "@msdha/haproxy-config";

const folder = mkdtempSync("/tmp/haproxy-");
const socketPath = `${folder}/haproxy.sock`;
const config = {
  port: Number(process.env["PORT"] ?? 5432),
  socketPath,
  parkMs: 40_000,
  maxConnections: 1_000,
};
writeFileSync(`${folder}/haproxy.cfg`, renderConfig(config));
const haproxy = spawn("haproxy", ["-db", "-f", `${folder}/haproxy.cfg`], { stdio: "inherit" });

const api = createRuntimeApi(socketPath);
await waitForRuntimeApi(api, { timeoutMs: 5_000 });
await using switcher = createSwitcher(api, { drainMs: 120, onTrouble: console.error });
await switcher.route({ kind: "serve", owner: "term-1", address: "10.0.0.2", port: 5432 });
await switcher.route({ kind: "drain", owner: "term-1" }); // it stops: its sessions go on, new connections wait
await switcher.route({ kind: "serve", owner: "term-2", address: "10.0.0.3", port: 5432 });
console.log((await api.showServers("be")).find(({ state }) => state === "ready"));
haproxy.kill();
