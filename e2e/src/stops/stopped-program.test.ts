import { readFileSync } from "node:fs";
import { waitFor } from "@msdha/testkit";
import { describe, expect, test } from "vitest";
import { startGroup } from "../support/group.ts";

const STOP_SECONDS = 8;

describe.concurrent("a program that was stopped by SIGSTOP", () => {
  test("ends by itself when its node is asked to stop, and hands over", async () => {
    await using group = await startGroup({ ttlSeconds: 2 });
    const a = group.start("a", { mode: "slow:300", env: { MSDHA_STOP_TIMEOUT: String(STOP_SECONDS) } });
    await group.masterAmong([a]);
    process.kill(group.journal.of("a", "begin")[0]?.pid ?? Number.NaN, "SIGSTOP");
    a.stop();
    expect(await a.exited()).toBe(0);
    expect(group.journal.of("a", "end")).toHaveLength(1);
    expect(a.log()).not.toMatch(/had to kill/);
    expect(await group.keys()).toHaveProperty("_handover");
  });

  test("ends by itself when its node loses the lock, before the kill time", async () => {
    await using group = await startGroup({ ttlSeconds: 4 });
    const a = group.start("a", { mode: "slow:300", env: { MSDHA_STOP_TIMEOUT: String(STOP_SECONDS) } });
    await group.masterAmong([a]);
    process.kill(group.journal.of("a", "begin")[0]?.pid ?? Number.NaN, "SIGSTOP");
    await group.etcd.etcdctl("del", `/msdha/${group.name}/_lock`);
    await a.exited();
    expect(group.journal.of("a", "end")).toHaveLength(1);
    expect(a.log()).not.toMatch(/had to kill/);
  });

  test("as a hook, undoes what it began", async () => {
    await using group = await startGroup({ ttlSeconds: 2 });
    const a = group.start("a", {
      env: { MSDHA_STOP_TIMEOUT: String(STOP_SECONDS) },
      hooks: { pre_start: "trap 'echo undone; exit 0' TERM; echo pid $$; kill -STOP $$; sleep 100 & wait" },
    });
    const pid = Number(/pid (\d+)/.exec(await a.logged(/pid \d+/))?.[1]);
    await waitFor(() => / T /.test(readFileSync(`/proc/${pid}/stat`, "utf8")), { what: "it to be stopped" });
    a.stop();
    expect(await a.exited()).toBe(0);
    expect(a.log()).toMatch(/undone.*hook=pre_start/);
    expect(a.log()).not.toMatch(/had to kill/);
  });
});
