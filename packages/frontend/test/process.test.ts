import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type EtcdMember, getFreePort, startEtcd, waitFor } from "@msdha/testkit";
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

function isAlive(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    return !/\) [ZX] /.test(stat);
  } catch {
    return false;
  }
}
