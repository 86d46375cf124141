import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { getFreePort, waitFor } from "@msdha/testkit";
import { execa } from "execa";
import { describe, expect, test } from "vitest";
import { startGroup } from "./support/group.ts";
import { backendCommand } from "./support/paths.ts";

/** The limits that these tests set, in seconds. */
const INTERVAL = 1;
const LIMIT = 1;
const FAILURES = 2;
const STOP_TIMEOUT = 1;

const settings = {
  MSDHA_ALIVE_INTERVAL: String(INTERVAL),
  MSDHA_ALIVE_TIMEOUT: String(LIMIT),
  MSDHA_ALIVE_FAILURES: String(FAILURES),
  MSDHA_STOP_TIMEOUT: String(STOP_TIMEOUT),
};

describe.concurrent("a program that hangs is not the master for long", () => {
  test("a redis-server that is stopped by a signal is replaced within interval x failures + limit + hand-over", async () => {
    await using group = await startGroup({ ttlSeconds: 3 });
    const dir = mkdtempSync(join(tmpdir(), "msdha-redis-"));
    chmodSync(dir, 0o755);
    const start = async (name: string) => {
      const port = await getFreePort();
      const redis = `redis-cli -h 127.0.0.1 -p ${port}`;
      return group.start(name, {
        env: settings,
        hooks: {
          start: `exec redis-server --bind 127.0.0.1 --port ${port} --save '' --dir ${dir} --pidfile ${dir}/${name}.pid --daemonize no`,
          running_not_ready: `until [ "$(${redis} ping 2>/dev/null)" = PONG ]; do sleep 0.1; done; ${redis} config get pidfile > /dev/null; ${redis} info server | sed -n 's/^process_id://p' | tr -d '\\r' > "$MSDHA_RUN_DIR/redis.pid"`,
          alive: `[ "$(${redis} ping)" = PONG ]`,
        },
      });
    };
    const a = await start("a");
    await group.masterAmong([a]);
    const b = await start("b");
    await group.state("b", "ready");
    const { stdout: pid } = await execa("cat", [join(a.runDir, "redis.pid")]);
    const frozenAt = performance.now();
    process.kill(Number(pid), "SIGSTOP");
    const next = await group.masterAmong([b]);
    const tookMs = performance.now() - frozenAt;
    expect(next.name).toBe("b");
    // The hand-over itself takes some 0.1 s, and the program that hangs its whole stop timeout.
    expect(tookMs).toBeLessThan((INTERVAL * FAILURES + LIMIT + STOP_TIMEOUT + 3) * 1_000);
    expect(await a.exited()).toBe(70);
    expect(a.log()).toMatch(
      /the program does not seem to be alive: hook alive took longer than 1000 ms.*failures=2/,
    );
    expect(a.log()).toMatch(/ending: hook alive took longer than 1000 ms/);
    rmSync(dir, { recursive: true });
  });

  test("the health check and the status say what the hook says", async () => {
    await using group = await startGroup({ ttlSeconds: 2 });
    const sick = (dir: string) => join(dir, "sick");
    const a = group.start("a", {
      env: { ...settings, MSDHA_ALIVE_FAILURES: "1000" },
      hooks: { alive: '[ ! -e "$MSDHA_RUN_DIR/sick" ] || { echo "feels bad" >&2; exit 4; }' },
    });
    await group.masterAmong([a]);
    const ask = (command: string) =>
      execa(backendCommand, [command], { env: { MSDHA_RUN_DIR: a.runDir }, reject: false });
    expect(await ask("healthcheck")).toMatchObject({ exitCode: 0 });
    expect(JSON.parse((await ask("status")).stdout).alive).toEqual({ failures: 0, failure: null });
    await execa("touch", [sick(a.runDir)]);
    await waitFor(async () => (await ask("healthcheck")).exitCode === 1, { what: "a failing health check" });
    expect((await ask("healthcheck")).stderr).toMatch(
      /does not seem to be alive: hook alive ended with code 4/,
    );
    expect(JSON.parse((await ask("status")).stdout).alive).toMatchObject({
      failure: "hook alive ended with code 4",
    });
    await execa("rm", [sick(a.runDir)]);
    await waitFor(async () => (await ask("healthcheck")).exitCode === 0, { what: "a good health check" });
    expect(a.log()).toMatch(/the program is alive again/);
  });
});
