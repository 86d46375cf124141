import { readFileSync } from "node:fs";
import { getFreePort, startEtcd, waitFor } from "@msdha/testkit";
import { describe, expect, test } from "vitest";
import { childrenOf } from "./support/children-of.ts";
import { startGroup } from "./support/group.ts";

describe.concurrent("a backend with bad settings", () => {
  test("names every wrong variable in a line each, and touches nothing", async () => {
    await using group = await startGroup();
    const a = group.start("_a", {
      env: { MSDHA_TTL: "soon", MSDHA_MASTER_TTL: "never", MSDHA_GROPU: "x", ETCDCTL_ENDPOINTS: "ftp://x" },
    });
    expect(await a.exited()).toBe(78);
    const lines = a.log().trim().split("\n");
    expect(lines.map((line) => /^msdha-backend: (\w+): expected .+/.exec(line)?.[1]).sort()).toEqual([
      "ETCDCTL_ENDPOINTS",
      "MSDHA_GROPU",
      "MSDHA_MASTER_TTL",
      "MSDHA_NAME",
      "MSDHA_TTL",
    ]);
    expect(await group.keys()).toEqual({});
  });

  test("says which variables are missing", async () => {
    await using group = await startGroup();
    const a = group.start("a", { env: { MSDHA_GROUP: "", ETCDCTL_ENDPOINTS: "" } });
    expect(await a.exited()).toBe(78);
    expect(a.log()).toMatch(/MSDHA_GROUP: expected a value/);
    expect(a.log()).toMatch(/ETCDCTL_ENDPOINTS: expected/);
  });

  test("says that its run folder can't be written to", async () => {
    await using group = await startGroup();
    const a = group.start("a", { env: { MSDHA_RUN_DIR: "/proc/msdha" } });
    expect(await a.exited()).toBe(78);
    expect(a.log()).toMatch(/MSDHA_RUN_DIR: expected a folder that can be written to/);
  });

  test("says that another node uses its run folder", async () => {
    await using group = await startGroup();
    const a = group.start("a");
    await group.state("a", "ready");
    const b = group.start("b", { env: { MSDHA_RUN_DIR: a.runDir } });
    expect(await b.exited(40_000)).toBe(73);
    expect(b.log()).toMatch(/another node uses MSDHA_RUN_DIR/);
    expect(a.child.running).toBe(true);
  });

  test("can be stopped while it waits for what uses its run folder", async () => {
    await using group = await startGroup();
    const a = group.start("a");
    await group.state("a", "ready");
    const b = group.start("b", { env: { MSDHA_RUN_DIR: a.runDir } });
    await waitFor(() => childrenOf(b.child.pid).some(isGuard), { what: "b's guard" });
    b.child.send("SIGTERM");
    // It waits for 15 s else, and ends with 73.
    expect(await b.exited()).toBe(0);
    expect(a.child.running).toBe(true);
  });

  test("takes the seed's spelling of the name, with a warning", async () => {
    await using group = await startGroup();
    const a = group.start("ignored", { env: { MSDHA_NAME: "", MSHDA_NAME: "old" } });
    await group.state("old", "ready");
    expect(a.log()).toMatch(/WARN .*MSHDA_NAME/);
  });
});

describe.concurrent("a backend whose etcd", () => {
  test("does not answer tries for a while, and says so in a line", async () => {
    await using group = await startGroup();
    const port = await getFreePort();
    const a = group.start("a", {
      endpoints: `http://u:hunter2@127.0.0.1:${port}`,
      env: { MSDHA_ETCD_TIMEOUT: "4" },
    });
    expect(await a.exited()).toBe(69);
    expect(a.log()).toMatch(/etcd does not answer yet/);
    expect(a.log().trim().split("\n").at(-1)).toMatch(/ERROR .*127\.0\.0\.1/);
    expect(a.log()).not.toContain("hunter2");
  });

  test("refuses its password gives up at once, without telling it", async () => {
    await using etcd = await startEtcd({
      auth: { rootPassword: "root", users: [{ name: "node", password: "right", prefix: "/msdha/db/" }] },
    });
    await using group = await startGroup({ etcd });
    const wrong = group.start("a", { env: { ETCDCTL_USER: "node", ETCDCTL_PASSWORD: "hunter2" } });
    expect(await wrong.exited()).toBe(77);
    expect(wrong.log()).not.toContain("hunter2");
    const right = group.start("a", { env: { ETCDCTL_USER: "node", ETCDCTL_PASSWORD: "right" } });
    await group.masterAmong([right]);
  });

  test.each([0, 1])(
    "is two clusters is told by both endpoints, whichever comes first (%i)",
    async (first) => {
      await using one = await startEtcd();
      await using two = await startEtcd();
      await using group = await startGroup({ etcd: one });
      const endpoints = first === 0 ? [one.endpoint, two.endpoint] : [two.endpoint, one.endpoint];
      const a = group.start("a", { endpoints: endpoints.join(",") });
      expect(await a.exited()).toBe(78);
      const last = a.log().trim().split("\n").at(-1) ?? "";
      expect(last).toMatch(/ERROR .*of two clusters/);
      for (const endpoint of endpoints) expect(last).toContain(endpoint.replace("http://", ""));
      expect(await group.keys()).toEqual({});
      expect(await two.etcdctl("get", "--prefix", "/")).toBe("");
    },
  );
});

function isGuard(pid: number): boolean {
  try {
    return readFileSync(`/proc/${pid}/comm`, "utf8").startsWith("msdha-guard");
  } catch {
    // It has ended: the launcher's.
    return false;
  }
}
