import { chmodSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { type EtcdMember, startEtcd, tempDir, waitFor } from "@msdha/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  askName,
  openGroup,
  openSession,
  serving,
  startFrontend,
  startLoad,
  startNamedServer,
} from "./support.ts";

let etcd: EtcdMember;
beforeAll(async () => {
  etcd = await startEtcd();
});
afterAll(() => etcd[Symbol.asyncDispose]());

const root = process.getuid?.() === 0;
const SOME_SECONDS = 15_000;

describe.concurrent("a HAProxy that can't be controlled", () => {
  it.each<[string, (haproxyPid: number, runDir: string) => void]>([
    ["is stopped", (pid) => process.kill(pid, "SIGSTOP")],
    ["has lost its socket", (_, runDir) => rmSync(join(runDir, "haproxy", "stats.sock"))],
    ["has lost its folder", (_, runDir) => rmSync(join(runDir, "haproxy"), { recursive: true })],
  ])("is replaced when it %s and the master has changed", async (what, hurt) => {
    await using group = openGroup(etcd, what.replaceAll(" ", "-"));
    await using frontend = await startFrontend(etcd.endpoint, group.name);
    await using _a = await startNamedServer("a", { address: "127.0.0.2", port: frontend.port });
    await using _b = await startNamedServer("b", { address: "127.0.0.3", port: frontend.port });
    const term = await group.becomeMaster("a", { address: "127.0.0.2" });
    const { haproxy } = await serving(frontend, "a");
    using session = openSession(frontend.port);
    expect(await session.name).toBe("a");
    hurt(haproxy.pid, frontend.runDir);
    await term.vanish();
    await group.becomeMaster("b", { address: "127.0.0.3" });
    const lost = performance.now();
    await session.closed;
    await serving(frontend, "b");
    expect(performance.now() - lost).toBeLessThan(SOME_SECONDS);
    expect(await askName(frontend.port)).toBe("b");
    expect(frontend.log()).toContain("HAProxy can't be controlled: it is replaced");
  });

  it("is replaced also when nothing has to change", async () => {
    await using frontend = await startFrontend(etcd.endpoint, "idle");
    const { haproxy } = await frontend.until("HAProxy", ({ healthy }) => healthy);
    rmSync(join(frontend.runDir, "haproxy", "stats.sock"));
    await waitFor(
      async () => {
        const now = await frontend.status();
        return now.healthy && now.haproxy.pid !== haproxy.pid;
      },
      { what: "another HAProxy", timeoutMs: 30_000 },
    );
  });
});

describe("a HAProxy that is killed under load", () => {
  it("costs no new connection: none is refused", async () => {
    await using group = openGroup(etcd, "killed-under-load");
    await using frontend = await startFrontend(etcd.endpoint, group.name);
    await using _a = await startNamedServer("a", { address: "127.0.0.2", port: frontend.port });
    await group.becomeMaster("a", { address: "127.0.0.2" });
    await serving(frontend, "a");
    const load = startLoad(frontend.port, { perSecond: 200 });
    const killedAt: number[] = [];
    for (let kills = 1; kills <= 3; kills += 1) {
      const { haproxy } = await frontend.status();
      process.kill(haproxy.pid, "SIGKILL");
      killedAt.push(performance.now());
      await frontend.until(
        "another HAProxy",
        (now) => now.haproxy.restarts === kills && now.healthy && now.haproxy.settled,
      );
      const enough = load.results.length + 50;
      await waitFor(() => load.results.length > enough, { what: "50 more connections" });
    }
    const results = await load.stop();
    // What the killed HAProxy had taken is reset; what came while there was none waits for the next one.
    expect(results.filter(({ name }) => name.includes("ECONNREFUSED"))).toEqual([]);
    const without = results.filter(
      ({ openedAt, answeredAt }) => !killedAt.some((at) => openedAt <= at && at <= answeredAt),
    );
    expect(without.filter(({ failed }) => failed)).toEqual([]);
  });
});

describe.runIf(root)("HAProxy of a frontend that is root", () => {
  it("runs as another user, dies with the frontend, and is controlled all the same", async () => {
    await using group = openGroup(etcd, "root");
    await using folder = tempDir();
    chmodSync(folder.path, 0o755);
    const runDir = join(folder.path, "run");
    mkdirSync(runDir);
    await using frontend = await startFrontend(etcd.endpoint, group.name, { env: { MSDHA_RUN_DIR: runDir } });
    await using _a = await startNamedServer("a", { address: "127.0.0.2", port: frontend.port });
    await group.becomeMaster("a", { address: "127.0.0.2" });
    const { haproxy } = await serving(frontend, "a");
    expect(await askName(frontend.port)).toBe("a");
    const status = readFileSync(`/proc/${haproxy.pid}/status`, "utf8");
    expect(status).not.toMatch(/^Uid:.*\b0\b/m);
    expect(status).not.toMatch(/^Gid:.*\b0\b/m);
    expect(status).toMatch(/^Groups:\s*$/m);
    expect(status).toMatch(/^CapEff:\s*0+$/m);
    await frontend.child.kill("SIGKILL");
    await waitFor(() => !isAlive(haproxy.pid), { what: "the end of HAProxy" });
  });

  it("goes on as root where other users can't enter the run folder, and says so", async () => {
    await using frontend = await startFrontend(etcd.endpoint, "root-only");
    const { haproxy } = await frontend.until("HAProxy", ({ healthy }) => healthy);
    expect(readFileSync(`/proc/${haproxy.pid}/status`, "utf8")).toMatch(/^Uid:\s+0\b/m);
    expect(frontend.log()).toMatch(/HAProxy runs as root.*other users can't enter/);
  });
});

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
