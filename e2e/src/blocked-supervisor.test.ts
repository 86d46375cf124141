import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { waitFor } from "@msdha/testkit";
import { describe, expect, test } from "vitest";
import { blockable, blockLoop, isBlocked } from "./guard-freeze/blocked-loop.ts";
import { bootTime } from "./support/boot-time.ts";
import { startGroup, type TestGroup } from "./support/group.ts";
import type { TestNode } from "./support/node.ts";
import { promoted } from "./support/paths.ts";

/** A slave whose `master` hook looks for processes that `other` started. */
function startNext(group: TestGroup, name: string, other: TestNode): TestNode {
  const run = `run=$(cat "$MSDHA_RUN_DIR/run_id")`;
  const seen = `${other.name} ${other.runDir} ${join(group.dir, "no-folder")}`;
  return group.start(name, {
    hooks: {
      master: `${run}; exec ${promoted} ${group.journal.path} ${name} "$run" "$MSDHA_FENCING_TOKEN" ${seen}`,
    },
  });
}

function promotions(group: TestGroup): readonly string[] {
  return group.journal
    .entries()
    .filter(({ what }) => what === "master")
    .map(({ node }) => node);
}

describe.concurrent("a supervisor whose event loop is blocked", () => {
  test.each(["plain", "double-fork"])(
    "has nothing running when the next master is promoted, and starts nothing later (%s)",
    async (mode) => {
      await using group = await startGroup();
      const a = group.start("a", { mode, env: blockable });
      await group.masterAmong([a]);
      const b = startNext(group, "b", a);
      await group.state("b", "ready");
      const at = bootTime();
      const unblock = await blockLoop(a);
      await group.masterAmong([b]);
      expect(isBlocked(a), "it stands still all the time").toBe(true);
      const [next] = group.journal.of("b", "master");
      const last = group.journal.of("a", "beat").at(-1);
      expect(group.journal.of("a", "alive")).toEqual([]);
      expect(last && next && last.at < next.at, "a gone before b is promoted").toBe(true);
      // The last proof was asked for a third of a TTL before the block at the earliest, and is a moment old at the latest.
      expect(last && last.at - at).toBeGreaterThan(group.ttlMs);
      expect(last && last.at - at).toBeLessThan(2 * group.ttlMs);
      unblock();
      expect(await a.exited()).toBe(75);
      expect(group.journal.of("a", "beat").at(-1)).toEqual(last);
      expect(promotions(group)).toEqual(["a", "b"]);
    },
  );

  test("in the middle of its wait promotes nothing once it goes on", async () => {
    await using group = await startGroup();
    const a = group.start("a", { env: blockable });
    await a.logged(/took the master lock/);
    const b = group.start("b");
    await group.state("b", "ready");
    const unblock = await blockLoop(a);
    await group.masterAmong([b]);
    expect(isBlocked(a), "it stands still all the time").toBe(true);
    unblock();
    expect(await a.exited()).toBe(75);
    // What it had running meanwhile was a slave's.
    expect(promotions(group)).toEqual(["b"]);
  });

  test("stays the master when that takes less than its TTL", async () => {
    await using group = await startGroup({ ttlSeconds: 6 });
    const a = group.start("a", { env: blockable });
    await group.masterAmong([a]);
    group.start("b");
    await group.state("b", "ready");
    for (let block = 0; block < 3; block++) {
      const unblock = await blockLoop(a);
      await sleep(2_000);
      expect(isBlocked(a)).toBe(true);
      unblock();
      await a.logged(/goes on/);
      await sleep(1_500);
    }
    await waitFor(() => !isBlocked(a), { what: "a to go on" });
    expect(await group.master()).toBe("a");
    expect(promotions(group)).toEqual(["a"]);
  });
});
