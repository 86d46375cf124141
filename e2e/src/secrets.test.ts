import { existsSync, mkdirSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { startEtcd, waitFor } from "@msdha/testkit";
import { describe, expect, test } from "vitest";
import { startFrontend } from "./support/frontend.ts";
import { startGroup } from "./support/group.ts";

const PASSWORD = "hunter2-in-no-place";
const HOOKS = [
  ...["pre_start", "running_not_ready", "ready", "candidate", "master"],
  ...["node_state_change", "pre_stop", "stopped"],
];
const SECRET = /ETCDCTL_|hunter2/;
const USERS = [{ name: "node", password: PASSWORD, prefix: "/msdha/db/" }];

/** A process and everything that descends from it. */
function familyOf(pid: number): readonly number[] {
  const children = partOf(pid, `task/${pid}/children`).split(" ").filter(Boolean);
  return [pid, ...children.flatMap((child) => familyOf(Number(child)))];
}

/** What the kernel tells of a process; nothing of one that has ended, as a hook may at any moment. */
function partOf(pid: number, part: string): string {
  try {
    return readFileSync(`/proc/${pid}/${part}`, "utf8");
  } catch (error) {
    if (["ENOENT", "ESRCH"].includes((error as NodeJS.ErrnoException).code ?? "")) return "";
    throw error;
  }
}

function commandsOf(pids: readonly number[]): string {
  return pids.map((pid) => partOf(pid, "cmdline").replaceAll("\0", " ")).join("\n");
}

/** Bodies of all hooks, each of which keeps the environment that it was started with in a file of its name. */
function hooksThatTell(folder: string): Readonly<Record<string, string>> {
  const body = `cat /proc/$$/environ > ${folder}-$$ && mv ${folder}-$$ ${folder}/$MSDHA_HOOK`;
  return Object.fromEntries(HOOKS.map((hook) => [hook, body]));
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
    const told = join(group.dir, "told");
    mkdirSync(told);
    const env = { MSDHA_LOG_LEVEL: "trace", ETCDCTL_PASSWORD: PASSWORD };
    const a = group.start("a", { endpoints, env, hooks: hooksThatTell(told) });
    await using frontend = await startFrontend(
      { dir: group.dir, endpoints, group: "db", ttlSeconds: 3 },
      { env },
    );
    await waitFor(() => existsSync(join(told, "master")), { what: "the master's hook", timeoutMs: 30_000 });

    const [supervisor = 0, ...started] = familyOf(a.child.pid);
    const [front = 0, ...haproxy] = familyOf(frontend.child.pid);
    for (const pid of [supervisor, front]) expect(partOf(pid, "environ")).toContain(PASSWORD);
    expect(started.length, "both guards and the main process").toBeGreaterThanOrEqual(3);
    expect(commandsOf(started)).toMatch(/beater\.pl/);
    expect(commandsOf(haproxy)).toMatch(/haproxy/);
    expect(commandsOf([supervisor, front, ...started, ...haproxy])).not.toContain(PASSWORD);
    for (const pid of [...started, ...haproxy]) {
      expect(partOf(pid, "environ"), commandsOf([pid])).not.toMatch(SECRET);
    }
    for (const file of [...filesBelow(a.runDir), ...filesBelow(join(group.dir, "frontend-db"))]) {
      expect(readFileSync(file, "latin1"), file).not.toContain(PASSWORD);
    }
    expect(JSON.stringify(await group.keys())).not.toContain(PASSWORD);

    const b = group.start("b", { endpoints, env, hooks: hooksThatTell(told) });
    await group.state("b", "ready");
    b.stop();
    expect(await b.exited()).toBe(0);

    await etcd.kill();
    expect(await a.exited()).toBe(75);
    await waitFor(() => /etcd/.test(frontend.log()), { what: "the frontend to miss etcd" });
    expect(readdirSync(told).sort()).toEqual([...HOOKS].sort());
    for (const hook of HOOKS) {
      const environment = readFileSync(join(told, hook), "utf8");
      expect(environment, hook).toContain(`MSDHA_HOOK=${hook}`);
      expect(environment, hook).not.toMatch(SECRET);
    }
    for (const { log } of [a, b, frontend]) expect(log()).not.toContain(PASSWORD);
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
