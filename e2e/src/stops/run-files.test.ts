import { existsSync, mkdirSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { waitFor } from "@msdha/testkit";
import { describe, expect, test } from "vitest";
import { startGroup, type TestGroup } from "../support/group.ts";
import type { TestNode } from "../support/node.ts";

const VOLATILE = ["current_master", "current_master_address", "is_master"];

function left({ runDir }: TestNode): readonly string[] {
  return readdirSync(runDir).filter((name) => VOLATILE.includes(name));
}

/** The processes of the node, its program, and the guard that is their parent. */
function allOf(group: TestGroup, node: TestNode): readonly number[] {
  const parentOf = (pid: number): number =>
    Number(/^PPid:\t(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]);
  const main = group.journal.of(node.name, "begin").at(-1)?.pid ?? Number.NaN;
  const inner = parentOf(main);
  return [main, inner, parentOf(inner)];
}

async function master(group: TestGroup): Promise<TestNode> {
  const a = group.start("a");
  await group.masterAmong([a]);
  await waitFor(() => readFileSync(join(a.runDir, "current_master"), "utf8") === "a\n", { what: "the file" });
  expect(left(a).toSorted()).toEqual(VOLATILE);
  return a;
}

describe.concurrent("the files that say who is the master are gone", () => {
  test("after an orderly stop", async () => {
    await using group = await startGroup({ ttlSeconds: 2 });
    const a = await master(group);
    a.stop();
    await a.exited();
    expect(left(a)).toEqual([]);
  });

  test("no later than the program, when the supervisor is killed", async () => {
    await using group = await startGroup({ ttlSeconds: 2 });
    const a = await master(group);
    const [, , guard] = allOf(group, a);
    await a.child.kill();
    await waitFor(() => !existsSync(`/proc/${guard}`), { what: "the guard to be done" });
    expect(left(a)).toEqual([]);
  });

  test("no later than the program, when the supervisor is frozen", async () => {
    await using group = await startGroup({ ttlSeconds: 2 });
    const a = await master(group);
    const [main] = allOf(group, a);
    a.child.send("SIGSTOP");
    await waitFor(() => left(a).length === 0, { what: "the files to go", timeoutMs: 10_000 });
    await waitFor(() => !existsSync(`/proc/${main}`), { what: "the program to be gone", timeoutMs: 1_000 });
    a.child.send("SIGCONT");
    expect(await a.exited()).toBe(75);
    expect(left(a)).toEqual([]);
  });

  test("after the next start of a node of which everything was killed", async () => {
    await using group = await startGroup({ ttlSeconds: 2 });
    const a = await master(group);
    const all = allOf(group, a);
    a.child.send("SIGKILL");
    for (const pid of all.toReversed()) {
      try {
        process.kill(pid, "SIGKILL");
      } catch {
        // The guard was quicker.
      }
    }
    await a.exited();
    const again = group.start("a", {
      hooks: { pre_start: 'ls "$MSDHA_RUN_DIR"; cat "$MSDHA_RUN_DIR/current_master"' },
    });
    await again.logged(/a hook has run.*hook=pre_start/);
    expect(again.log()).not.toMatch(/is_master/);
  });
});

test("a node that can't replace the clean end of its last run starts nothing", async () => {
  await using group = await startGroup({ ttlSeconds: 2 });
  const a = await master(group);
  a.stop();
  await a.exited();
  const end = join(a.runDir, "last_end");
  expect(readFileSync(end, "utf8")).toMatch(/clean/);
  // A draft can't be written where a folder is.
  mkdirSync(`${end}.new`);
  const again = group.start("a", { hooks: { pre_start: "echo must not run" } });
  expect(await again.exited()).toBe(71);
  expect(again.log()).toMatch(
    /ERROR ending: MSDHA_RUN_DIR: last_end must be written before anything is started/,
  );
  expect(again.log()).not.toMatch(/must not run/);
  expect(group.journal.of("a", "begin")).toHaveLength(1);
});
