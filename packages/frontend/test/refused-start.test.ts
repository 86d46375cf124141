import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { type EtcdMember, getFreePort, startEtcd, tempDir } from "@msdha/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startFrontend, startNamedServer } from "./support.ts";

let etcd: EtcdMember;
beforeAll(async () => {
  etcd = await startEtcd();
});
afterAll(() => etcd[Symbol.asyncDispose]());

describe("a frontend that can't begin", () => {
  it("says that the port is in use", async () => {
    await using server = await startNamedServer("other");
    const { port } = server;
    await using frontend = await startFrontend(etcd.endpoint, "port", { port });
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
