import { describe, expect, test } from "vitest";
import { startGroup, type TestGroup } from "./support/group.ts";
import type { TestNode } from "./support/node.ts";

/** A body of the `candidate` hook: it takes a while, and writes something. */
function answers(line: string, seconds = 0): string {
  return `sleep ${seconds}; printf '%s\\n' '${line}'`;
}

function startRanked(group: TestGroup, name: string, candidate: string, env = {}): TestNode {
  return group.start(name, { hooks: { candidate }, env });
}

async function startReady(group: TestGroup, name: string, candidate: string): Promise<TestNode> {
  const node = startRanked(group, name, candidate);
  await group.state(name, "ready");
  return node;
}

describe.concurrent("the next master is chosen at the end of the wait", () => {
  test("from all that are ready then, without another wait", async () => {
    await using group = await startGroup({ ttlSeconds: 4 });
    const a = await startReady(group, "a", answers("10"));
    const took = await a.logged(/took the master lock.*waitMs=8000/);
    expect(took).toBeDefined();
    await group.state("a", "ready");
    const b = group.start("b", {
      hooks: { candidate: answers("1000000"), running_not_ready: "sleep 5" },
    });
    await group.masterAmong([b]);
    expect(a.log()).toMatch(/the next master is chosen.*chosen="?b.*a: 10, b: 1000000/);
    expect(b.log()).toMatch(/took the master lock.*takenAfter=handover.*waitMs=0/);
    expect(group.journal.of("a", "master")).toEqual([]);
  });

  test.each([0.7, 2, 4.5])("also when the better node's hook takes %d s, planned or not", async (seconds) => {
    await using group = await startGroup({ ttlSeconds: 3 });
    const first = await startReady(group, "first", answers("99"));
    await group.masterAmong([first]);
    const better = await startReady(group, "better", answers("12", seconds));
    const quick = await startReady(group, "quick", answers("11"));
    first.stop();
    await group.masterAmong([better, quick]);
    expect(group.journal.of("quick", "master")).toEqual([]);
    const best = await startReady(group, "best", answers("13", seconds));
    await better.child.kill();
    expect((await group.masterAmong([quick, best])).name).toBe("best");
    expect(best.log()).toMatch(/may lose data that only "better" has/);
  });
});

describe.concurrent("a rank", () => {
  test("of up to 20 digits is compared exactly", async () => {
    await using group = await startGroup({ ttlSeconds: 2 });
    const first = await startReady(group, "first", answers("1"));
    await group.masterAmong([first]);
    await startReady(group, "a", answers("1732790000000000001"));
    const b = await startReady(group, "b", answers("1732790000999999999"));
    await startReady(group, "c", answers("-5"));
    await startReady(group, "d", "exit 0");
    first.stop();
    expect(await group.masterAmong([b])).toBe(b);
  });

  test.each(["10.5", "10 bytes", "", "123456789012345678901"])(
    "that can't be read (%j) makes the node no candidate, and is quoted",
    async (line) => {
      await using group = await startGroup({ ttlSeconds: 2 });
      const first = await startReady(group, "first", answers("1"));
      await group.masterAmong([first]);
      const a = await startReady(group, "a", answers(line));
      const b = await startReady(group, "b", "exit 0");
      first.stop();
      await group.masterAmong([b]);
      const quoted = JSON.stringify(JSON.stringify(line)).slice(1, -1);
      expect(a.log().replaceAll('\\"', '"').replaceAll('"', "")).toContain(
        `no rank: expected an integer of up to 20 digits, got ${quoted.replaceAll('\\"', "")}`,
      );
      expect(group.journal.of("a", "master")).toEqual([]);
    },
  );

  test("is waited for no longer than the candidate's limit, which the node says itself", async () => {
    await using group = await startGroup({ ttlSeconds: 2 });
    const first = await startReady(group, "first", answers("1"));
    await group.masterAmong([first]);
    const slow = startRanked(group, "slow", answers("9", 60), { MSDHA_CANDIDATE_TIMEOUT: "1" });
    await group.state("slow", "ready");
    const b = await startReady(group, "b", answers("2"));
    const asked = performance.now();
    first.stop();
    await group.masterAmong([b]);
    expect(performance.now() - asked).toBeLessThan(5_000);
    expect(slow.log()).toMatch(/no candidate now: hook candidate took longer than 1000 ms/);
  });
});

test.concurrent("a candidate that says no is logged once, and once more when it says something else", async () => {
  await using group = await startGroup({ ttlSeconds: 1 });
  const a = startRanked(
    group,
    "a",
    'n=$(cat "$MSDHA_RUN_DIR/n" || echo 0); echo $((n + 1)) > "$MSDHA_RUN_DIR/n"; [ "$n" -lt 6 ] || exit 4; exit 3',
  );
  await a.logged(/no candidate now: hook candidate ended with code 3/);
  await a.logged(/no candidate now: hook candidate ended with code 4/);
  expect(a.log().match(/no candidate now/g)).toHaveLength(2);
});

describe.concurrent("a master whose time is over", () => {
  test.each([
    ["no other node is there", undefined],
    ["the other one says no", "exit 1"],
  ])("stays when %s, and hands over when another is ready", async (_, candidate) => {
    await using group = await startGroup({ ttlSeconds: 2 });
    const a = group.start("a", { env: { MSDHA_MASTER_TTL: "2" } });
    await group.masterAmong([a]);
    if (candidate) await startReady(group, "b", candidate);
    await a.logged(/for as long as it may \(MSDHA_MASTER_TTL\), but no other node is ready and willing/);
    expect(await group.master()).toBe("a");
    const c = group.start("c", { hooks: { candidate: answers("1") } });
    await group.state("c", "ready");
    await group.masterAmong([c], 10_000);
    expect(await a.exited()).toBe(0);
    expect(a.log().match(/no other node is ready and willing/g)).toHaveLength(1);
    expect(a.log()).toMatch(/handedOver=true/);
  });
});
