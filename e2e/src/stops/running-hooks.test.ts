import { setTimeout as sleep } from "node:timers/promises";
import { waitFor } from "@msdha/testkit";
import { describe, expect, test } from "vitest";
import { startGroup } from "../support/group.ts";

/** A hook that begins, and undoes what it began when it is asked to end, which takes two seconds. */
const undoes = "trap 'sleep 2; echo undone; exit 0' TERM; echo begun; sleep 100 & wait";

describe.concurrent("a hook that runs when the node is asked to stop", () => {
  test.each(["pre_start", "master"])("has the time to undo what it began: %s", async (hook) => {
    await using group = await startGroup({ ttlSeconds: 2 });
    const a = group.start("a", { hooks: { [hook]: undoes } });
    await a.logged(/begun/);
    const asked = Date.now();
    a.stop();
    expect(await a.exited()).toBe(0);
    expect(Date.now() - asked).toBeGreaterThan(2_000);
    expect(a.log()).toMatch(new RegExp(`undone.*hook=${hook}`));
    expect(a.log()).not.toMatch(/had to kill/);
  });

  test("is killed and named when it takes longer than the stop may", async () => {
    await using group = await startGroup({ ttlSeconds: 2 });
    const hook = "trap '' TERM; exec -a stubborn sleep 100";
    const a = group.start("a", {
      hooks: { running_not_ready: `exec bash -c ${JSON.stringify(hook)}` },
      env: { MSDHA_STOP_TIMEOUT: "1" },
    });
    await a.logged(/entered a state.*running_not_ready/);
    await sleep(300);
    a.stop();
    expect(await a.exited()).toBe(0);
    expect(a.log()).toMatch(/had to kill sleep.* killed=1/);
  });
});

describe.concurrent("a hand-over after a kill", () => {
  test.each([
    ["any", true, /WARN +handing over although not everything ended by itself.* killed=1/],
    ["clean", false, /WARN +no hand-over, as not everything ended by itself.* killed=1/],
  ])("with MSDHA_HANDOVER=%s: %s, and is told", async (wanted, handedOver, line) => {
    await using group = await startGroup({ ttlSeconds: 2 });
    const env = { MSDHA_STOP_TIMEOUT: "1", MSDHA_HANDOVER: wanted };
    const a = group.start("a", { mode: "ignore-term", env });
    await group.masterAmong([a]);
    a.stop();
    expect(await a.exited()).toBe(0);
    expect(a.log()).toMatch(line);
    expect("_handover" in (await group.keys())).toBe(handedOver);
  });

  test("is refused to a program that a signal ended, where that is asked", async () => {
    await using group = await startGroup({ ttlSeconds: 2 });
    const a = group.start("a", { env: { MSDHA_HANDOVER: "clean" } });
    await group.masterAmong([a]);
    process.kill(group.journal.of("a", "begin")[0]?.pid ?? Number.NaN, "SIGKILL");
    expect(await a.exited()).toBe(137);
    expect(await group.keys()).not.toHaveProperty("_handover");
  });
});

describe.concurrent("a second SIGTERM", () => {
  test.each([0, 50, 1_000])("after %d ms does not hasten the stop", async (afterMs) => {
    await using group = await startGroup({ ttlSeconds: 2 });
    const a = group.start("a", { mode: "slow:2500" });
    await group.masterAmong([a]);
    a.stop();
    await waitFor(() => afterMs === 0 || a.log().includes("ending: asked to stop"), { what: "the stop" });
    await sleep(afterMs);
    a.stop();
    expect(await a.exited()).toBe(0);
    expect(group.journal.of("a", "end")).toHaveLength(1);
    expect(a.log()).not.toMatch(/had to kill/);
    expect(await group.keys()).toHaveProperty("_handover");
  });
});
