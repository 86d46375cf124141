import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { startEtcd, waitFor } from "@msdha/testkit";
import { describe, expect, test } from "vitest";
import { startFrontend } from "./support/frontend.ts";
import { startGroup } from "./support/group.ts";

const PASSWORD = "hunter2-in-no-place";
const USERS = [{ name: "node", password: PASSWORD, prefix: "/msdha/db/" }];

/** A process and everything that descends from it. */
function familyOf(pid: number): readonly number[] {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").split(" ").filter(Boolean);
  return [pid, ...children.flatMap((child) => familyOf(Number(child)))];
}

function partOf(pid: number, part: "cmdline" | "environ"): string {
  return readFileSync(`/proc/${pid}/${part}`, "utf8");
}

function filesBelow(folder: string): readonly string[] {
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .map((name) => join(folder, name))
    .filter((path) => statSync(path).isFile());
}

describe.concurrent("etcd's password", () => {
  test("is in no log, process argument, run file or key, and in no environment but the apps' own", async () => {
    await using etcd = await startEtcd({ auth: { rootPassword: "root", users: USERS } });
    await using group = await startGroup({ etcd });
    const endpoints = etcd.endpoint.replace("//", `//node:${PASSWORD}@`);
    const a = group.start("a", { endpoints, env: { MSDHA_LOG_LEVEL: "trace" } });
    await using frontend = await startFrontend(
      { dir: group.dir, endpoints, group: "db", ttlSeconds: 3 },
      { env: { MSDHA_LOG_LEVEL: "trace" } },
    );
    await group.masterAmong([a]);

    const backend = familyOf(a.child.pid);
    expect(backend.length, "supervisor, both guards and the main process").toBeGreaterThanOrEqual(4);
    for (const pid of [...backend, ...familyOf(frontend.child.pid)]) {
      expect(partOf(pid, "cmdline")).not.toContain(PASSWORD);
    }
    const main = backend.filter((pid) => partOf(pid, "cmdline").includes("beater.pl"));
    expect(main).toHaveLength(1);
    for (const pid of main) expect(partOf(pid, "environ")).not.toMatch(/ETCDCTL_|hunter2/);
    for (const file of [...filesBelow(a.runDir), ...filesBelow(join(group.dir, "frontend-db"))]) {
      expect(readFileSync(file, "latin1"), file).not.toContain(PASSWORD);
    }
    expect(JSON.stringify(await group.keys())).not.toContain(PASSWORD);

    await etcd.kill();
    expect(await a.exited()).toBe(75);
    await waitFor(() => /etcd/.test(frontend.log()), { what: "the frontend to miss etcd" });
    expect(a.log()).not.toContain(PASSWORD);
    expect(frontend.log()).not.toContain(PASSWORD);
  });

  test("that etcd refuses is in no error, of either app", async () => {
    await using etcd = await startEtcd({ auth: { rootPassword: "root", users: USERS } });
    await using group = await startGroup({ etcd });
    const wrong = `${PASSWORD}-wrong`;
    const endpoints = etcd.endpoint.replace("//", `//node:${wrong}@`);
    const a = group.start("a", { endpoints, env: { MSDHA_LOG_LEVEL: "trace" } });
    expect(await a.exited()).toBe(77);
    expect(a.log()).not.toContain("hunter2");
    await using frontend = await startFrontend({ dir: group.dir, endpoints, group: "db", ttlSeconds: 3 });
    await waitFor(() => !frontend.child.running, { what: "the frontend to give up", timeoutMs: 40_000 });
    expect(frontend.log()).toMatch(/etcd/);
    expect(frontend.log()).not.toContain("hunter2");
  });
});
