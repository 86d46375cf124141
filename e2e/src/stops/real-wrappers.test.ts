import { execFileSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { getFreePort, tempDir, waitFor } from "@msdha/testkit";
import { describe, expect, test } from "vitest";
import { startGroup } from "../support/group.ts";

/** Two servers are made and started beside each other: no node is to lose its lease for it. */
const TTL_SECONDS = 5;

describe.concurrent("a server behind its own wrapper ends by itself when the node stops", () => {
  test("MariaDB behind mysqld_safe, which ignores signals", async () => {
    await using group = await startGroup({ ttlSeconds: TTL_SECONDS });
    await using folder = tempDir();
    const data = join(folder.path, "data");
    mkdirSync(data);
    chmodSync(folder.path, 0o755);
    const common = ["--no-defaults", "--user=mysql", `--datadir=${data}`];
    execFileSync("chown", ["mysql", data, folder.path]);
    execFileSync("mariadb-install-db", [...common, "--auth-root-authentication-method=normal"]);
    const places = ["socket=mariadb.sock", "pid-file=mariadb.pid", "log-error=errors.err"];
    const options = [
      ...common,
      "--skip-networking",
      ...places.map((place) => `--${place.replace("=", `=${data}/`)}`),
    ];
    const a = group.start("a", { hooks: { start: `exec mysqld_safe ${options.join(" ")}` } });
    await group.masterAmong([a]);
    await waitFor(() => existsSync(join(data, "mariadb.sock")), {
      what: "MariaDB to serve",
      timeoutMs: 30_000,
    });
    a.stop();
    expect(await a.exited()).toBe(0);
    expect(a.log()).not.toMatch(/had to kill/);
    expect(readFileSync(join(data, "errors.err"), "utf8")).toMatch(/Shutdown complete/);
    expect(await group.keys()).toHaveProperty("_handover");
  });

  test("RabbitMQ behind rabbitmq-server, which leaves daemons", async () => {
    await using group = await startGroup({ ttlSeconds: TTL_SECONDS });
    await using folder = tempDir();
    const environment = {
      HOME: folder.path,
      RABBITMQ_MNESIA_BASE: join(folder.path, "mnesia"),
      RABBITMQ_LOG_BASE: join(folder.path, "log"),
      RABBITMQ_PID_FILE: join(folder.path, "pid"),
      RABBITMQ_ENABLED_PLUGINS_FILE: join(folder.path, "plugins"),
      RABBITMQ_NODENAME: `stops${process.pid}@localhost`,
      RABBITMQ_NODE_PORT: String(await getFreePort()),
      RABBITMQ_DIST_PORT: String(await getFreePort()),
      ERL_EPMD_PORT: String(await getFreePort()),
    };
    const exports = Object.entries(environment).map(([name, value]) => `export ${name}=${value}`);
    const a = group.start("a", {
      hooks: { start: `${exports.join("\n")}\nexec /usr/lib/rabbitmq/bin/rabbitmq-server` },
    });
    await group.masterAmong([a]);
    const log = join(environment.RABBITMQ_LOG_BASE, `${environment.RABBITMQ_NODENAME}.log`);
    const logged = (pattern: RegExp): boolean => existsSync(log) && pattern.test(readFileSync(log, "utf8"));
    await waitFor(() => logged(/Server startup complete/), { what: "RabbitMQ to serve", timeoutMs: 60_000 });
    a.stop();
    expect(await a.exited()).toBe(0);
    expect(a.log()).not.toMatch(/had to kill/);
    expect(readFileSync(log, "utf8").slice(-1500)).toMatch(/msg_store_persistent' is stopped/);
    expect(await group.keys()).toHaveProperty("_handover");
  });
});
