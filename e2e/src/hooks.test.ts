import { chmodSync, closeSync, existsSync, mkdirSync, openSync, readlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { waitFor } from "@msdha/testkit";
import { describe, expect, test } from "vitest";
import { startGroup, type TestGroup } from "./support/group.ts";

describe.concurrent("a hook that fails", () => {
  test.each(["pre_start", "running_not_ready", "ready", "master"])("ends the node: %s", async (hook) => {
    await using group = await startGroup({ ttlSeconds: 2 });
    const a = group.start("a", { mode: "setsid", hooks: { [hook]: "echo out of luck >&2; exit 3" } });
    expect(await a.exited()).toBe(70);
    expect(a.log()).toMatch(/out of luck.*hook=/);
    expect(a.log()).toMatch(new RegExp(`ending: hook ${hook} ended with code 3`));
    const { _ttl, _handover, _last_master, ...left } = await keysBesidesHistory(group);
    expect(left).toEqual({});
  });

  test("is only told of when it is node_state_change", async () => {
    await using group = await startGroup({ ttlSeconds: 2 });
    const a = group.start("a", { hooks: { node_state_change: "exit 3" } });
    await a.logged(/is the master/);
    expect(a.log()).toMatch(/node_state_change failed: hook node_state_change ended with code 3.*failures=1/);
  });

  test("ends the node when it is node_state_change and that is wished", async () => {
    await using group = await startGroup({ ttlSeconds: 2 });
    const a = group.start("a", {
      hooks: { node_state_change: "exit 3" },
      env: { MSDHA_NODE_STATE_CHANGE_FAILURE: "stop" },
    });
    expect(await a.exited()).toBe(70);
  });

  test("ends the node when it takes longer than it may", async () => {
    await using group = await startGroup({ ttlSeconds: 2 });
    const a = group.start("a", { hooks: { pre_start: "exec sleep 60" }, env: { MSDHA_HOOK_TIMEOUT: "0.5" } });
    expect(await a.exited()).toBe(70);
    expect(a.log()).toMatch(/hook pre_start took longer than 500 ms/);
  });
});

describe.concurrent("hooks and the main process", () => {
  test("start in a folder that every user may enter, wherever the node was started", async () => {
    await using group = await startGroup({ ttlSeconds: 2 });
    const say = (where: string): string => `echo "${where} starts in $(pwd)"`;
    const a = group.start("a", {
      hooks: {
        pre_start: say("pre_start"),
        master: say("master"),
        node_state_change: say("node_state_change"),
      },
    });
    for (const hook of ["pre_start", "master", "node_state_change"])
      await a.logged(new RegExp(`${hook} starts in /( |$)`, "m"));
    const [main] = group.journal.of("a", "begin");
    expect(readlinkSync(`/proc/${main?.pid}/cwd`)).toBe("/");
  });
});

describe.concurrent("a hook that can't be run", () => {
  test("is told before anything has begun", async () => {
    await using group = await startGroup();
    const first = group.start("a");
    await group.state("a", "ready");
    first.stop();
    await first.exited();
    chmodSync(join(group.dir, group.name, "a", "hooks", "master"), 0o644);
    const again = group.start("a", { hooks: { master: null } });
    expect(await again.exited()).toBe(70);
    expect(again.log()).toMatch(/hook master can't be run: it is not executable/);
    const { _ttl, _handover, _last_master, ...left } = await keysBesidesHistory(group);
    expect(left).toEqual({});
  });

  test("is told when start is missing", async () => {
    await using group = await startGroup();
    const a = group.start("a", { hooks: { start: null } });
    expect(await a.exited()).toBe(70);
    expect(a.log()).toMatch(
      /hook start can't be run: there is none, and it is required \(\/.*\/hooks\/start\)/,
    );
  });

  test("is told when the folder of hooks is none", async () => {
    await using group = await startGroup();
    const a = group.start("a", { env: { MSDHA_HOOKS_DIR: "/etc/passwd" } });
    expect(await a.exited()).toBe(70);
    expect(a.log()).toMatch(/can't be run: \/etc\/passwd is no folder/);
  });

  test("is told when start has Windows line ends", async () => {
    await using group = await startGroup();
    const hooks = join(group.dir, group.name, "a", "hooks");
    mkdirSync(hooks, { recursive: true });
    writeFileSync(join(hooks, "start"), "#!/bin/sh\r\nexec sleep 100\r\n", { mode: 0o755 });
    const a = group.start("a", { hooks: { start: null } });
    expect(await a.exited()).toBe(70);
    expect(a.log()).toMatch(/hook start can't be run: its first line ends with a carriage return/);
  });

  test.each([
    ["its interpreter is missing", "#!/no/such/sh\n", /its interpreter \/no\/such\/sh is missing/],
    ["it has Windows line ends", "#!/bin/sh\r\nexit 0\r\n", /ends with a carriage return/],
  ])("is told when %s", async (_what, text, why) => {
    await using group = await startGroup();
    const hooks = join(group.dir, group.name, "a", "hooks");
    mkdirSync(hooks, { recursive: true });
    writeFileSync(join(hooks, "pre_start"), text, { mode: 0o755 });
    const a = group.start("a");
    expect(await a.exited()).toBe(70);
    expect(a.log()).toMatch(why);
    expect(a.log()).toContain(join(hooks, "pre_start"));
  });
});

describe.concurrent("a hook that is being written", () => {
  test("is run afterwards for every change, with the same arguments, in order", async () => {
    await using group = await startGroup({ ttlSeconds: 2 });
    const a = group.start("a", { hooks: { node_state_change: 'echo "ran $1 $2 $3"' } });
    await a.logged(/ran PUT a ready/);
    const writer = openSync(join(group.dir, group.name, "a", "hooks", "node_state_change"), "r+");
    group.start("b");
    await group.state("b", "ready");
    expect(a.log()).not.toMatch(/ran PUT b|can't be run|failed/);
    closeSync(writer);
    await a.logged(/ran PUT b ready/);
    expect(a.log().match(/ran PUT b \w+/g)).toEqual(
      ["pre_start", "start", "running_not_ready", "ready"].map((state) => `ran PUT b ${state}`),
    );
  });

  test.each(["candidate", "master"])("is run once afterwards: %s", async (hook) => {
    await using group = await startGroup({ ttlSeconds: 2 });
    const a = group.start("a", { hooks: { [hook]: "echo ran >&2" } });
    await a.logged(/took the master lock/);
    const writer = openSync(join(group.dir, group.name, "a", "hooks", hook), "r+");
    await (hook === "master" ? a.logged(/is the master/) : setTimeout(4_500));
    await setTimeout(500);
    expect(a.log()).not.toMatch(/ran hook=/);
    closeSync(writer);
    await a.logged(/ran hook=/);
    await a.logged(/a hook has run hook=master/);
    expect(a.log().match(/ran hook=/g)).toHaveLength(1);
    expect(a.log()).not.toMatch(/can't be run/);
  });
});

describe.concurrent("hooks", () => {
  test("run in order, with what they need to know and without etcd's secrets", async () => {
    await using group = await startGroup({ ttlSeconds: 2 });
    const tell =
      'echo "told $MSDHA_HOOK $MSDHA_STATE $MSDHA_GROUP $MSDHA_NAME master=$MSDHA_MASTER token=$MSDHA_FENCING_TOKEN etcd=$ETCDCTL_ENDPOINTS$ETCDCTL_PASSWORD"';
    const names = ["pre_start", "running_not_ready", "ready", "master", "pre_stop", "stopped"];
    const a = group.start("a", {
      hooks: Object.fromEntries(names.map((name) => [name, tell])),
      env: { ETCDCTL_PASSWORD: "" },
    });
    await a.logged(/told master/);
    a.stop();
    expect(await a.exited()).toBe(0);
    const told = [
      ...a.log().matchAll(/told (\S+) (\S+) (\S+) (\S+) master=(\S*) token=(\S*) etcd=(\S*) hook=/g),
    ];
    expect(told.map(([, ...words]) => words.map((word) => word.replace(/^\d+$/, "N")).join(" "))).toEqual([
      "pre_start pre_start db a   ",
      "running_not_ready running_not_ready db a   ",
      "ready ready db a   ",
      "master master db a a N ",
      "pre_stop master db a a N ",
      "stopped master db a  N ",
    ]);
  });

  test.each([
    ["nothing of it where they are given nothing", undefined, "unset"],
    ["what they are given", "1", "1"],
  ])("do not get the node's own limit of memory arenas, but %s", async (_, given, got) => {
    await using group = await startGroup();
    const tell = 'echo "arenas=$(printenv MALLOC_ARENA_MAX || echo unset)"';
    const a = group.start("a", { hooks: { pre_start: tell }, env: given ? { MALLOC_ARENA_MAX: given } : {} });
    await a.logged(new RegExp(`arenas=${got} hook=pre_start`));
  });

  test("store a value with the group that only the first one sets", async () => {
    await using group = await startGroup();
    const claim = { pre_start: 'echo "winner $(msdha-backend claim initialised-by "$MSDHA_NAME")"' };
    const a = group.start("a", { hooks: claim });
    await a.logged(/winner a/);
    const b = group.start("b", { hooks: claim });
    await b.logged(/winner a/);
  });

  test("put a value of the group from a master's stopped hook, when all else of the node is gone", async () => {
    await using group = await startGroup({ ttlSeconds: 2 });
    const a = group.start("a", { hooks: { stopped: "msdha-backend put last-words goodbye" } });
    await group.masterAmong([a]);
    a.stop();
    expect(await a.exited()).toBe(0);
    expect(await group.keys()).toMatchObject({ "_value/last-words": "goodbye" });
  });

  test("that stop fails have the lock given back without a hand-over", async () => {
    await using group = await startGroup({ ttlSeconds: 2 });
    const a = group.start("a", { hooks: { stopped: "exit 1" } });
    await group.masterAmong([a]);
    a.stop();
    expect(await a.exited()).toBe(0);
    expect(Object.keys(await keysBesidesHistory(group)).sort()).toEqual(["_last_master", "_ttl"]);
  });

  test("that take long do not hold up a hand-over when they are node_state_change", async () => {
    await using group = await startGroup({ ttlSeconds: 5 });
    const a = group.start("a", { hooks: { node_state_change: "exec sleep 100" } });
    await group.state("a", "ready");
    const b = group.start("b");
    await group.masterAmong([a]);
    await group.state("b", "ready");
    a.stop();
    expect(await a.exited()).toBe(0);
    await group.masterAmong([b]);
    expect(a.log()).toMatch(/dropped calls of node_state_change.* dropped=\d/);
  });

  test("end at once when the node is to stop", async () => {
    await using group = await startGroup();
    const a = group.start("a", { hooks: { pre_start: "trap 'echo thanks; exit 0' TERM; sleep 100 & wait" } });
    await group.state("a", "pre_start");
    await waitFor(() => existsSync(join(a.runDir, "control.sock")), { what: "the node to run" });
    a.stop();
    expect(await a.exited()).toBe(0);
  });
});

describe.concurrent("the main process", () => {
  test("is passed the signals that are not for the node", async () => {
    await using group = await startGroup();
    const a = group.start("a");
    await waitFor(() => group.journal.of("a", "begin").length === 1, { what: "the program to have begun" });
    for (const [signal, noted] of [
      ["SIGHUP", "hup"],
      ["SIGUSR1", "usr1"],
      ["SIGUSR2", "usr2"],
    ] as const) {
      a.child.send(signal);
      await waitFor(() => group.journal.of("a", noted).length === 1, { what: noted });
    }
    expect(a.child.running).toBe(true);
  });

  test("that won't stop is killed in time for a hand-over", async () => {
    await using group = await startGroup({ ttlSeconds: 2 });
    const a = group.start("a", { mode: "ignore-term", env: { MSDHA_STOP_TIMEOUT: "1" } });
    await group.masterAmong([a]);
    a.stop();
    expect(await a.exited()).toBe(0);
    expect(await group.keys()).toHaveProperty("_handover");
  });

  test("is stopped by the signal that is set", async () => {
    await using group = await startGroup({ ttlSeconds: 2 });
    const a = group.start("a", { env: { MSDHA_STOP_SIGNAL: "USR1", MSDHA_STOP_TIMEOUT: "1" } });
    await waitFor(() => group.journal.of("a", "begin").length === 1, { what: "the program to have begun" });
    a.stop();
    await a.exited();
    expect(group.journal.of("a", "usr1")).toHaveLength(1);
    expect(group.journal.of("a", "asked")).toHaveLength(0);
  });

  test("that forks has nothing left when it ends, and hands over cleanly", async () => {
    await using group = await startGroup({ ttlSeconds: 2 });
    const a = group.start("a", { mode: "double-fork" });
    await group.masterAmong([a]);
    const [main] = group.journal.of("a", "begin");
    process.kill(main?.pid ?? Number.NaN, "SIGKILL");
    expect(await a.exited()).toBe(137);
    expect(await group.keys()).toHaveProperty("_handover");
    const beats = group.journal.of("a", "beat").length;
    await group.etcd.etcdctl("get", "/");
    expect(group.journal.of("a", "beat")).toHaveLength(beats);
  });
});

/** The group's keys but the records of former masters, which are meant to stay. */
async function keysBesidesHistory(group: TestGroup): Promise<Readonly<Record<string, string>>> {
  const keys = Object.entries(await group.keys());
  return Object.fromEntries(keys.filter(([key]) => !key.startsWith("_history/")));
}
