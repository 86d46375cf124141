import { spawnSync } from "node:child_process";
import { readdirSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { guardBinary } from "@msdha/guard";
import { type EtcdMember, getFreePort, startEtcd, tempDir, waitFor } from "@msdha/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  askName,
  frontendCommand,
  openGroup,
  openSession,
  serving,
  startFrontend,
  startNamedServer,
} from "./support.ts";

let etcd: EtcdMember;
beforeAll(async () => {
  etcd = await startEtcd();
});
afterAll(() => etcd[Symbol.asyncDispose]());

describe("the frontend's status", () => {
  it("is told by its commands, which need nothing but the run folder", async () => {
    await using group = openGroup(etcd, "commands");
    await using frontend = await startFrontend(etcd.endpoint, group.name);
    await frontend.until("etcd to be followed", ({ following }) => following);
    expect(run(frontend.runDir, "healthcheck")).toMatchObject({ status: 0, stdout: "none\n" });
    expect(run(frontend.runDir, "healthcheck", "--ready")).toMatchObject({
      status: 1,
      stderr: "msdha-frontend: there is no master\n",
    });
    await using _a = await startNamedServer("a", { address: "127.0.0.2", port: frontend.port });
    await group.becomeMaster("a", { address: "127.0.0.2" });
    await serving(frontend, "a");
    expect(run(frontend.runDir, "healthcheck", "--ready")).toMatchObject({ status: 0, stdout: "serve\n" });
    const { stdout } = run(frontend.runDir, "status");
    expect(JSON.parse(stdout)).toMatchObject({
      group: "commands",
      port: frontend.port,
      master: { name: "a" },
    });
  });

  it("is none where no frontend runs", async () => {
    await using folder = tempDir();
    const { status, stderr } = run(folder.path, "healthcheck");
    expect(status).toBe(1);
    expect(stderr).toContain(`msdha-frontend: no frontend answers on ${folder.path}/frontend.sock`);
  });

  it("is told over HTTP, if wanted", async () => {
    const port = await getFreePort();
    await using group = openGroup(etcd, "http");
    await using frontend = await startFrontend(etcd.endpoint, group.name, {
      env: { MSDHA_STATUS_PORT: String(port) },
    });
    await frontend.until("etcd to be followed", ({ following }) => following);
    const get = (path: string): Promise<Response> => fetch(`http://127.0.0.1:${port}${path}`);
    expect((await get("/health")).status).toBe(200);
    expect((await get("/ready")).status).toBe(503);
    expect((await get("/other")).status).toBe(404);
    expect((await fetch(`http://127.0.0.1:${port}/status`, { method: "POST" })).status).toBe(405);
    await using _a = await startNamedServer("a", { address: "127.0.0.2", port: frontend.port });
    await group.becomeMaster("a", { address: "127.0.0.2" });
    await serving(frontend, "a");
    expect((await get("/ready")).status).toBe(200);
    expect(await (await get("/status")).json()).toMatchObject({ group: "http", ready: true });
    const metrics = await (await get("/metrics")).text();
    expect(metrics).toContain('msdha_frontend_master{node="a",group="http"} 1');
    expect(metrics).toContain('msdha_frontend_sessions{group="http"} 0');
    expect((await fetch(`http://127.0.0.1:${port}/ready`, { method: "HEAD" })).status).toBe(200);
  });

  it("counts how long connections waited, and how long there was no master", async () => {
    const port = await getFreePort();
    await using group = openGroup(etcd, "waits");
    await using frontend = await startFrontend(etcd.endpoint, group.name, {
      env: { MSDHA_STATUS_PORT: String(port), MSDHA_PARK: "2" },
    });
    const sample = async (name: string, label = ""): Promise<number> => {
      const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
      const lines = text.split("\n").filter((line) => line.startsWith(`msdha_frontend_${name}`));
      return Number(
        lines
          .find((line) => line.includes(label))
          ?.split(" ")
          .at(-1),
      );
    };
    const waits = (outcome: string): Promise<number> => sample("wait_seconds_count", outcome);
    await frontend.until("etcd to be followed", ({ following }) => following);
    using first = openSession(frontend.port);
    await first.closed;
    await waitFor(async () => (await waits("in_vain")) === 1, { what: "the wait in vain" });
    using second = openSession(frontend.port);
    await frontend.until("it to wait", ({ traffic }) => traffic?.waiting === 1);
    await using _a = await startNamedServer("a", { address: "127.0.0.2", port: frontend.port });
    await group.becomeMaster("a", { address: "127.0.0.2" });
    // While the session goes on: a wait is counted when it ends.
    await waitFor(async () => (await waits("served")) === 1, { what: "the wait" });
    expect(second.open).toBe(true);
    const without = await sample("without_master_seconds_total");
    expect(without).toBeGreaterThan(2);
    expect(await sample("without_master_seconds_total")).toBe(without);
    await waitFor(() => frontend.log().includes("connections have waited for a master"), { what: "a line" });
  });
});

describe("the status port", () => {
  it("costs the frontend no descriptors that it needs, however many connections are opened to it", async () => {
    const port = await getFreePort();
    await using group = openGroup(etcd, "crowded");
    await using frontend = await startFrontend(etcd.endpoint, group.name, {
      env: { MSDHA_STATUS_PORT: String(port), MSDHA_STATUS_BIND: "127.0.0.1" },
      under: ["prlimit", "--nofile=1024:1024"],
    });
    await frontend.until("etcd to be followed", ({ following }) => following);
    const crowd = Array.from({ length: 1_000 }, () => connect(port, "127.0.0.1").on("error", () => {}));
    try {
      await waitFor(() => crowd.every(({ connecting }) => !connecting), { what: "the crowd" });
      await using _a = await startNamedServer("a", { address: "127.0.0.2", port: frontend.port });
      await group.becomeMaster("a", { address: "127.0.0.2" });
      expect(await askName(frontend.port)).toBe("a");
      expect(readdirSync(`/proc/${frontend.child.pid}/fd`).length).toBeLessThan(150);
    } finally {
      for (const socket of crowd) socket.destroy();
    }
  });

  it("is on the address that is set, and on no other", async () => {
    const port = await getFreePort();
    await using frontend = await startFrontend(etcd.endpoint, "bound", {
      env: { MSDHA_STATUS_PORT: String(port), MSDHA_STATUS_BIND: "127.0.0.5" },
    });
    await frontend.until("health", ({ healthy }) => healthy);
    expect((await fetch(`http://127.0.0.5:${port}/health`)).status).toBe(200);
    await expect(fetch(`http://127.0.0.1:${port}/health`)).rejects.toThrow("fetch failed");
  });
});

describe("a health check through the guard's program", () => {
  it("says what the command says", async () => {
    const guard = guardBinary();
    await using frontend = await startFrontend(etcd.endpoint, "cheap");
    await frontend.until("etcd to be followed", ({ following }) => following);
    const socket = `${frontend.runDir}/ask.sock`;
    const ask = (...args: string[]) =>
      spawnSync(guard, ["--ask", "msdha-frontend", socket, ...args], { encoding: "utf8" });
    expect(ask("healthcheck")).toMatchObject({ status: 0, stdout: "none\n", stderr: "" });
    expect(ask("healthcheck", "--ready")).toMatchObject({
      status: 1,
      stdout: "",
      stderr: "msdha-frontend: there is no master\n",
    });
    expect(ask("status")).toMatchObject({ status: 1, stdout: "" });
    const file = join(frontend.runDir, "..", "run-dir");
    writeFileSync(file, `${frontend.runDir}\n`);
    const launcher = fileURLToPath(new URL("../bin/msdha-frontend", import.meta.url));
    const env = { PATH: process.env["PATH"], MSDHA_RUN_DIR_FILE: file };
    expect(spawnSync(launcher, ["healthcheck"], { env, encoding: "utf8" })).toMatchObject({ status: 0 });
  });
});

function run(runDir: string, ...args: string[]): { status: number | null; stdout: string; stderr: string } {
  const [file = "", ...command] = [...frontendCommand, ...args];
  const { PATH, NODE_COMPILE_CACHE } = process.env;
  return spawnSync(file, command, {
    env: { PATH, NODE_COMPILE_CACHE, MSDHA_RUN_DIR: runDir },
    encoding: "utf8",
  });
}
