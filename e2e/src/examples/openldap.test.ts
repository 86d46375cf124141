import { waitFor } from "@msdha/testkit";
import { execa } from "execa";
import { describe, expect, test } from "vitest";
import type { ExampleGroup } from "./hooks-group.ts";
import { add, entries, startWholeOpenldap } from "./openldap-group.ts";

describe("the OpenLDAP example", () => {
  test("loses no acknowledged write in ten planned stops in a row under load", async () => {
    await using group = await startWholeOpenldap();
    const writer = startWriter(group);
    for (let round = 0; round < 10; round += 1) {
      await group.whole();
      const master = await group.masterAmong(group.nodes);
      const index = group.nodes.indexOf(master);
      const before = writer.acknowledged.length;
      master.stop();
      expect(await master.exited()).toBe(0);
      group.start(index);
      await waitFor(() => writer.acknowledged.length > before + 20, {
        what: "writes to go on",
        timeoutMs: 60_000,
      });
    }
    await writer.end();
    await group.whole();
    const kept = new Set(await entries(group));
    expect(writer.acknowledged.filter((number) => !kept.has(number))).toEqual([]);
    // No data were copied anew: each former master has followed with those that it had.
    expect(group.nodes.map((node) => node.log()).join()).not.toContain("copied anew");
    process.stdout.write(`ten planned stops: ${writer.acknowledged.length} acknowledged writes, none lost\n`);
  }, 300_000);

  test("goes on after its server was killed, and the former master follows with nothing of its own", async () => {
    await using group = await startWholeOpenldap();
    const master = await group.masterAmong(group.nodes);
    await waitFor(() => add(group, 1).catch(() => undefined), { what: "a write", timeoutMs: 30_000 });
    const index = group.nodes.indexOf(master);
    const others = [0, 1, 2].filter((other) => other !== index);
    await everywhere(group, [1]);
    // Those that follow it are stopped for a moment: it takes a write that nobody else has.
    const pids = await Promise.all(others.map((other) => serverOf(group, other)));
    for (const pid of pids) process.kill(pid, "SIGSTOP");
    await add(group, 2, index);
    process.kill(await serverOf(group, index), "SIGKILL");
    for (const pid of pids) process.kill(pid, "SIGCONT");
    await master.exited();
    await group.masterAmong(others.flatMap((other) => group.nodes[other] ?? []));
    await waitFor(() => add(group, 3).catch(() => undefined), { what: "a write", timeoutMs: 40_000 });
    const without = await entries(group);

    const again = group.start(index);
    await again.exited();
    expect(again.log()).toContain("copied anew");
    group.start(index);
    await group.whole();
    await everywhere(group, without);
    expect(await entries(group, index)).toEqual(without);
  }, 180_000);

  test("has a whole group that was stopped come back with its data", async () => {
    await using group = await startWholeOpenldap();
    await waitFor(() => add(group, 1).catch(() => undefined), { what: "a write", timeoutMs: 30_000 });
    for (const node of group.nodes) node.stop();
    for (const node of group.nodes) await node.exited();
    const restarts = new AbortController();
    try {
      for (const index of [0, 1, 2]) startAndRestart(group, index, restarts.signal);
      await group.whole();
      await everywhere(group, [1]);
    } finally {
      restarts.abort();
    }
  }, 120_000);
});

/** As a container does: a node that was the master for a moment while all stopped may end once, to copy its data anew. */
function startAndRestart(group: ExampleGroup, index: number, over: AbortSignal): void {
  const node = group.start(index);
  void node.exited().then(() => {
    if (!over.aborted) group.start(index);
  });
}

/** Resolves when every node has these entries, and no others. */
async function everywhere(group: ExampleGroup, numbers: readonly number[]): Promise<void> {
  const has = async (index: number): Promise<boolean> =>
    (await entries(group, index).catch(() => [])).join() === numbers.join();
  await waitFor(async () => (await Promise.all([0, 1, 2].map(has))).every(Boolean), {
    what: `every node to have ${numbers.join()}`,
    timeoutMs: 40_000,
  });
}

async function serverOf(group: ExampleGroup, index: number): Promise<number> {
  const { address, port } = group.place(index);
  const { stdout } = await execa("pgrep", ["-nf", `slapd -F .* -h ldap://${address}:${port} `]);
  return Number(stdout);
}

/** Adds one entry after the other, and keeps the numbers of those that were acknowledged. */
function startWriter(group: ExampleGroup): { readonly acknowledged: number[]; end(): Promise<void> } {
  const acknowledged: number[] = [];
  let going = true;
  const done = (async () => {
    for (let number = 1; going; number += 1) {
      if (await add(group, number).catch(() => false)) acknowledged.push(number);
      else await new Promise((resolve) => setTimeout(resolve, 20));
    }
  })();
  return {
    acknowledged,
    async end() {
      going = false;
      await done;
    },
  };
}
