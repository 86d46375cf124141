import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type EtcdMember, getFreePort, startEtcd, tempDir, waitFor } from "@msdha/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { askName, openGroup, openSession, serving, startFrontend, startNamedServer } from "./support.ts";

let etcd: EtcdMember;
beforeAll(async () => {
  etcd = await startEtcd();
});
afterAll(() => etcd[Symbol.asyncDispose]());

describe("the frontend's processes", () => {
  it("starts a killed HAProxy again and sends to the same master", async () => {
    await using group = openGroup(etcd, "killed-haproxy");
    await using frontend = await startFrontend(etcd.endpoint, group.name);
    await using _a = await startNamedServer("a", { address: "127.0.0.2", port: frontend.port });
    await group.becomeMaster("a", { address: "127.0.0.2" });
    const { haproxy } = await frontend.until("a master", ({ ready, haproxy }) => ready && haproxy.settled);
    process.kill(haproxy.pid, "SIGKILL");
    await frontend.until(
      "another HAProxy",
      (now) => now.haproxy.restarts === 1 && now.healthy && now.haproxy.settled,
    );
    expect(await askName(frontend.port)).toBe("a");
  });

  it("logs each connection that waited in vain, also one that said nothing", async () => {
    await using frontend = await startFrontend(etcd.endpoint, "in-vain", { env: { MSDHA_PARK: "0.3" } });
    await frontend.until("HAProxy", ({ healthy }) => healthy);
    const lines = (): number => frontend.log().split("be/parking").length - 1;
    for (const count of [1, 2]) {
      using session = openSession(frontend.port);
      await session.closed;
      await waitFor(() => lines() === count, { what: "a line" });
    }
  });

  it("is not healthy while HAProxy does not answer", async () => {
    await using frontend = await startFrontend(etcd.endpoint, "frozen-haproxy");
    const { haproxy } = await frontend.until("HAProxy", ({ healthy }) => healthy);
    process.kill(haproxy.pid, "SIGSTOP");
    await frontend.until("bad health", ({ healthy, traffic }) => !healthy && traffic === null);
    process.kill(haproxy.pid, "SIGCONT");
    await frontend.until("good health", ({ healthy }) => healthy);
  });

  it("takes HAProxy with it when it is killed", async () => {
    await using frontend = await startFrontend(etcd.endpoint, "killed");
    const { haproxy } = await frontend.until("HAProxy", ({ healthy }) => healthy);
    await frontend.child.kill("SIGKILL");
    await waitFor(() => !isAlive(haproxy.pid), { what: "the end of HAProxy" });
  });

  it("begins again at once where it was killed", async () => {
    const port = await getFreePort();
    await using first = await startFrontend(etcd.endpoint, "again", { port });
    await first.until("HAProxy", ({ healthy }) => healthy);
    await first.child.kill("SIGKILL");
    await using second = await startFrontend(etcd.endpoint, "again", {
      port,
      env: { MSDHA_RUN_DIR: first.runDir },
    });
    await waitFor(() => second.log().includes("following etcd"), { what: "the second frontend" });
  });

  it("refuses new connections when it stops and lets sessions end", async () => {
    await using group = openGroup(etcd, "stop");
    await using frontend = await startFrontend(etcd.endpoint, group.name, {
      env: { MSDHA_STOP_GRACE: "1h" },
    });
    await using _a = await startNamedServer("a", { address: "127.0.0.2", port: frontend.port });
    await group.becomeMaster("a", { address: "127.0.0.2" });
    await serving(frontend, "a");
    const session = openSession(frontend.port);
    await session.name;
    const stopped = frontend.child.kill("SIGTERM");
    await waitFor(async () => String(await askName(frontend.port).catch(String)).includes("ECONNREFUSED"), {
      what: "the port to be closed",
    });
    expect(await session.say("still there?")).toBe("a");
    session[Symbol.dispose]();
    await stopped;
    expect(await frontend.exitCode).toBe(0);
  });

  it("cuts what is left when the grace is over", async () => {
    await using group = openGroup(etcd, "grace");
    await using frontend = await startFrontend(etcd.endpoint, group.name, {
      env: { MSDHA_STOP_GRACE: "0.5" },
    });
    await using _a = await startNamedServer("a", { address: "127.0.0.2", port: frontend.port });
    await group.becomeMaster("a", { address: "127.0.0.2" });
    await serving(frontend, "a");
    using session = openSession(frontend.port);
    await session.name;
    await frontend.child.kill("SIGTERM");
    await session.closed;
    expect(await frontend.exitCode).toBe(0);
    expect(frontend.log()).toContain("the grace is over");
  });

  it("stops at once at the second signal", async () => {
    await using group = openGroup(etcd, "hurry");
    await using frontend = await startFrontend(etcd.endpoint, group.name, {
      env: { MSDHA_STOP_GRACE: "1h" },
    });
    await using _a = await startNamedServer("a", { address: "127.0.0.2", port: frontend.port });
    await group.becomeMaster("a", { address: "127.0.0.2" });
    await serving(frontend, "a");
    using session = openSession(frontend.port);
    await session.name;
    process.kill(frontend.child.pid, "SIGTERM");
    await frontend.until("stopping", ({ stopping }) => stopping);
    await frontend.child.kill("SIGINT");
    await session.closed;
    expect(await frontend.exitCode).toBe(0);
  });

  it("closes connections at once while there is no master when they may not wait", async () => {
    await using frontend = await startFrontend(etcd.endpoint, "no-parking", { env: { MSDHA_PARK: "0" } });
    await frontend.until("HAProxy", ({ healthy }) => healthy);
    await expect(askName(frontend.port)).rejects.toThrow("closed before anything was said");
  });

  it("writes to nothing but its run folder, and not its password there", async () => {
    await using frontend = await startFrontend(etcd.endpoint.replace("//", "//root:hunter2@"), "secrets");
    await frontend.until("HAProxy", ({ healthy }) => healthy);
    const { haproxy } = await frontend.status();
    expect(readFileSync(`/proc/${haproxy.pid}/environ`, "utf8")).not.toContain("hunter2");
    expect(readFileSync(join(frontend.runDir, "haproxy", "haproxy.cfg"), "utf8")).not.toContain("hunter2");
    expect(frontend.log()).not.toContain("hunter2");
  });
});

describe("a frontend that can't begin", () => {
  it("says that the port is in use", async () => {
    const port = await getFreePort();
    await using server = await startNamedServer("other", { port });
    await using frontend = await startFrontend(etcd.endpoint, "port", { port: server.port });
    expect(await frontend.exitCode).toBe(73);
    expect(lines(frontend.log())).toEqual([`FATAL can't listen on 127.0.0.1:${port}: the port is in use`]);
  });

  it("says that the port is in use by another frontend", async () => {
    await using first = await startFrontend(etcd.endpoint, "port");
    await first.until("HAProxy", ({ healthy }) => healthy);
    await using second = await startFrontend(etcd.endpoint, "port", { port: first.port });
    expect(await second.exitCode).toBe(73);
    expect(second.log()).toContain("the port is in use");
  });

  it("says that its run folder is in use", async () => {
    await using first = await startFrontend(etcd.endpoint, "folder");
    await first.until("HAProxy", ({ healthy }) => healthy);
    await using second = await startFrontend(etcd.endpoint, "folder", {
      env: { MSDHA_RUN_DIR: first.runDir },
    });
    expect(await second.exitCode).toBe(73);
    expect(second.log()).toContain(`another frontend uses ${first.runDir}`);
  });

  it("says that the address is not this machine's", async () => {
    await using frontend = await startFrontend(etcd.endpoint, "address", {
      env: { MSDHA_BIND: "192.0.2.77" },
    });
    expect(await frontend.exitCode).toBe(78);
    expect(frontend.log()).toContain("this machine does not have that address");
  });

  it("says that HAProxy is not installed", async () => {
    await using frontend = await startFrontend(etcd.endpoint, "missing", {
      env: { MSDHA_HAPROXY: "haproxy-9.9" },
    });
    expect(await frontend.exitCode).toBe(69);
    expect(lines(frontend.log())).toEqual([
      expect.stringMatching(/^FATAL haproxy-9\.9 is not installed: it is in no folder of PATH/),
    ]);
  });

  it("says why HAProxy does not come up", async () => {
    await using folder = tempDir();
    const broken = join(folder.path, "haproxy");
    writeFileSync(broken, '#!/bin/sh\necho "[ALERT]    ($$) : no good today" >&2\nexit 1\n', { mode: 0o755 });
    await using frontend = await startFrontend(etcd.endpoint, "broken", { env: { MSDHA_HAPROXY: broken } });
    expect(await frontend.exitCode).toBe(71);
    expect(frontend.log()).toContain("FATAL HAProxy ended: no good today");
  });

  it("says that etcd is not there, after trying for a while", async () => {
    const port = await getFreePort();
    const env = { MSDHA_ETCD_TIMEOUT: "1.5" };
    await using frontend = await startFrontend(`http://127.0.0.1:${port}`, "no-etcd", { env });
    expect(await frontend.exitCode).toBe(69);
    expect(frontend.log()).toContain("FATAL etcd was not there within 1500 ms");
  });

  it("says that etcd refuses the password, at once", async () => {
    await using guarded = await startEtcd({ auth: { rootPassword: "right" } });
    await using frontend = await startFrontend(guarded.endpoint.replace("//", "//root:wrong@"), "auth");
    expect(await frontend.exitCode).toBe(77);
    expect(frontend.log()).not.toContain("wrong@");
  });

  it("names every wrong variable and none of its secrets", async () => {
    await using frontend = await startFrontend("http://u:hunter2@127.0.0.1:x", "a/b", {
      env: {
        MSDHA_PORT: "http",
        MSDHA_PROT: "1",
        MSDHA_PARK: "long",
        MSDHA_BIND: "localhost",
        MSDHA_PG_USER: "x",
      },
    });
    expect(await frontend.exitCode).toBe(78);
    const log = frontend.log().trim().split("\n");
    for (const name of [
      "MSDHA_PORT",
      "MSDHA_PROT",
      "MSDHA_PARK",
      "MSDHA_BIND",
      "MSDHA_GROUP",
      "ETCDCTL_ENDPOINTS",
    ]) {
      expect(log.filter((line) => line.startsWith(`msdha-frontend: ${name}: expected `))).toHaveLength(1);
    }
    expect(log).toHaveLength(6);
    expect(frontend.log()).not.toContain("hunter2");
  });

  it("refuses more connections than the limit on open files allows", async () => {
    await using frontend = await startFrontend(etcd.endpoint, "maxconn", {
      env: { MSDHA_MAXCONN: "10000000" },
    });
    expect(await frontend.exitCode).toBe(78);
    expect(frontend.log()).toMatch(
      /^msdha-frontend: MSDHA_MAXCONN: expected at most \d+, for a limit of \d+ open files/,
    );
  });
});

/** A log's lines without their times. */
function lines(log: string): string[] {
  return log
    .trim()
    .split("\n")
    .map((line) => line.replace(/^\S+Z /, ""));
}

function isAlive(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    return !/\) [ZX] /.test(stat);
  } catch {
    return false;
  }
}
