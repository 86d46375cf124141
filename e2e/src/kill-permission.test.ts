import { readdirSync, readFileSync } from "node:fs";
import { makeSetuidProgram, tempDir, waitFor } from "@msdha/testkit";
import { describe, expect, test } from "vitest";
import { childrenOf } from "./support/children-of.ts";
import { startGroup, type TestGroup } from "./support/group.ts";
import type { NodeOptions } from "./support/node.ts";
import { asOther, findObstacle, openToOthers } from "./support/other-user.ts";
import { beater } from "./support/paths.ts";

const asNobody = "setpriv --reuid=65534 --regid=65534 --clear-groups";
const withoutKill = ["setpriv", "--bounding-set=-kill", "--inh-caps=-all"];
const withThree = ["setpriv", "--bounding-set=-all,+kill,+setuid,+setgid", "--inh-caps=-all"];

const obstacle = findObstacle();
const because = obstacle ? ` (skipped: ${obstacle})` : "";

function start(group: TestGroup, name: string, before: string): string {
  return `BEATER_RUN=$(cat "$MSDHA_RUN_DIR/run_id") exec ${before} ${beater} ${group.journal.path} ${name} plain`;
}

describe(`a node${because}`, { skip: obstacle !== undefined }, () => {
  test("of root without CAP_KILL is refused at the start, with one line", async () => {
    await using group = await startGroup();
    const a = group.start("a", { within: withoutKill });
    expect(await a.exited()).toBe(78);
    expect(a.log()).toMatch(/^msdha-backend: capabilities: expected CAP_KILL .*root without CAP_KILL.*\n$/);
    expect(await group.keys()).toEqual({});
  });

  const recommended: { title: string; within: readonly string[]; before: string }[] = [
    { title: "root, its program another user's", within: [], before: asNobody },
    {
      title: "root with CAP_KILL, CAP_SETUID and CAP_SETGID alone, its program another user's",
      within: withThree,
      before: asNobody,
    },
    { title: "another user without capabilities", within: [...asOther, "--bounding-set=-all"], before: "" },
  ];
  test.each(recommended)("as $title, is gone before the next master when it is frozen", async (how) => {
    await using group = await startGroup({ ttlSeconds: 4 });
    openToOthers(group, "a", "b");
    const options = (name: string): NodeOptions => ({
      within: how.within,
      hooks: { start: start(group, name, how.before) },
    });
    const nodes = ["a", "b"].map((name) => group.start(name, options(name)));
    const master = await group.masterAmong(nodes);
    master.child.freeze();
    const others = nodes.filter((node) => node !== master);
    await Promise.race(others.map((node) => node.logged(/is the master/, 30_000)));
    await waitFor(() => others.some(({ name }) => group.journal.of(name, "master").length > 0), {
      what: "the next master's hook",
    });
    // The group's end compares every beat of the one with the other's master hook.
    expect(group.journal.overlaps()).toEqual([]);
    master.child.thaw();
  });

  test("that may not look into its program, is gone before the next master when both guards are killed", async () => {
    await using group = await startGroup({ ttlSeconds: 4 });
    openToOthers(group, "a", "b");
    const options = (name: string): NodeOptions => ({
      within: withThree,
      hooks: { start: start(group, name, asNobody) },
    });
    const nodes = ["a", "b"].map((name) => group.start(name, options(name)));
    const master = await group.masterAmong(nodes);
    const [outer = 0] = childrenOf(master.child.pid);
    // At one stroke, so that neither can kill what it is there to kill.
    process.kill(-outer, "SIGKILL");
    const others = nodes.filter((node) => node !== master);
    await Promise.race(others.map((node) => node.logged(/is the master/, 30_000)));
    await waitFor(() => others.some(({ name }) => group.journal.of(name, "master").length > 0), {
      what: "the next master's hook",
    });
    expect(group.journal.overlaps()).toEqual([]);
  });

  test("that may not kill what became root's ends, and keeps the lock until that has gone", async () => {
    await using folder = tempDir();
    const helper = makeSetuidProgram(folder.path);
    await using group = await startGroup();
    openToOthers(group, "a");
    const a = group.start("a", {
      within: asOther,
      env: { MSDHA_NO_NEW_PRIVS: "no" },
      hooks: { master: `: > "$MSDHA_RUN_DIR/promoted"; ${helper} sleep 615 &` },
    });
    expect(await a.logged(/may not kill sleep \(process \d+, user 0: EPERM\).*CAP_KILL/, 40_000)).toMatch(
      /ERROR/,
    );
    const b = group.start("b");
    const token = await lockOf(group);
    expect(token).toBeDefined();
    await new Promise((resolve) => setTimeout(resolve, 2.5 * group.ttlMs));
    expect(await lockOf(group)).toBe(token);
    expect(b.log()).not.toMatch(/is the master/);
    const left = readdirSync("/proc").filter((pid) => commandOf(pid).join(" ") === "sleep 615");
    expect(left).toHaveLength(1);
    for (const pid of left) process.kill(Number(pid), "SIGKILL");
    expect(await a.exited()).toBe(77);
    await b.logged(/is the master/);
  });
});

async function lockOf(group: TestGroup): Promise<string | undefined> {
  return (await group.keys())["_lock"];
}

function commandOf(pid: string): string[] {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0").slice(0, -1);
  } catch {
    return [];
  }
}
