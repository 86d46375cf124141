import { setTimeout as sleep } from "node:timers/promises";
import { startEtcd, waitFor } from "@msdha/testkit";
import { describe, expect, test } from "vitest";
import { openGroup, startGroup, type TestGroup } from "../support/group.ts";
import type { Entry } from "../support/journal.ts";
import type { TestNode } from "../support/node.ts";
import { note } from "../support/paths.ts";

/** What `promoted` and `cleaned` write: an address that a master puts up, and that its `stopped` hook takes down. */
function hooks(group: TestGroup, name: string, cleaning = ""): Readonly<Record<string, string>> {
  const write = (what: string, rest: string): string =>
    `${note} ${group.journal.path} ${what} ${name} "$(cat "$MSDHA_RUN_DIR/run_id")" ${rest}`;
  return {
    pre_start: write("former", '"[$MSDHA_FORMER_END] $MSDHA_FORMER_STATE"'),
    stopped: `${cleaning}\n${write("cleaned", '"$MSDHA_END"')}`,
  };
}

async function pair(group: TestGroup): Promise<{ readonly a: TestNode; readonly b: TestNode }> {
  const a = group.start("a", { hooks: hooks(group, "a") });
  await group.masterAmong([a]);
  const b = group.start("b", { hooks: hooks(group, "b") });
  await group.state("b", "ready");
  return { a, b };
}

/** The cleaning of `a`, which has to come before the next promotion. */
async function cleanedBeforeNext(group: TestGroup, b: TestNode): Promise<Entry | undefined> {
  await group.masterAmong([b], 40_000);
  const [promoted] = group.journal.of("b", "master");
  const [cleaned] = group.journal.of("a", "cleaned");
  if (promoted && cleaned) expect(cleaned.at).toBeLessThan(promoted.at);
  return cleaned;
}

const key = (group: TestGroup, name: string): string => `/msdha/${group.name}/${name}`;

async function revoke({ etcd, name }: TestGroup): Promise<void> {
  const answer = await etcd.etcdctl("get", `/msdha/${name}/_lock`, "-w", "json");
  await etcd.etcdctl("lease", "revoke", BigInt(/"lease":(\d+)/.exec(answer)?.[1] ?? "").toString(16));
}

describe.concurrent("the stopped hook cleans up before the next master", () => {
  test.each([
    ["a planned stop", "planned", (_: TestGroup, a: TestNode) => a.stop()],
    ["the lock deleted", "lost", (group: TestGroup) => group.etcd.etcdctl("del", key(group, "_lock"))],
    ["the node key deleted", "lost", (group: TestGroup) => group.etcd.etcdctl("del", key(group, "a"))],
    ["the lease revoked", "lost", revoke],
    [
      "the end of the main process",
      "main-exit",
      (group: TestGroup) => process.kill(group.journal.of("a", "begin")[0]?.pid ?? Number.NaN, "SIGKILL"),
    ],
  ])("after %s", async (_, reason, end) => {
    await using group = await startGroup();
    const { a, b } = await pair(group);
    await end(group, a);
    await a.exited();
    const cleaned = await cleanedBeforeNext(group, b);
    expect(cleaned?.rest).toEqual([reason]);
    const again = group.start("a", { hooks: hooks(group, "a") });
    await again.logged(/hook=pre_start/);
    expect(group.journal.of("a", "former").at(-1)?.rest).toEqual(["[clean]", "master"]);
  });

  test("when etcd is away for three TTLs", async () => {
    await using etcd = await startEtcd();
    await using group = openGroup(etcd, {});
    const { a, b } = await pair(group);
    await etcd.kill();
    const stopped = performance.now();
    expect(await a.exited()).toBe(75);
    await sleep(Math.max(0, 3 * group.ttlMs - (performance.now() - stopped)));
    await etcd.restart();
    expect(group.journal.of("a", "cleaned")[0]?.rest).toEqual(["lost"]);
    expect(await b.exited()).toBe(75);
    const next = group.start("b", { hooks: hooks(group, "b") });
    expect(await cleanedBeforeNext(group, next)).toBeDefined();
  });
});

describe.concurrent("a stopped hook that", () => {
  test("hangs is killed before the kill time, and the next pre_start is told", async () => {
    await using group = await startGroup();
    const a = group.start("a", { hooks: hooks(group, "a", "sleep 100") });
    await group.masterAmong([a]);
    const lastProof = Date.now();
    await revoke(group);
    expect(await a.exited()).toBe(75);
    expect(Date.now() - lastProof).toBeLessThan(1.75 * group.ttlMs + 500);
    expect(a.log()).toMatch(/could not run stopped to its end/);
    const again = group.start("a", { hooks: hooks(group, "a") });
    await again.logged(/hook=pre_start/);
    expect(group.journal.of("a", "former").at(-1)?.rest).toEqual(["[unclean]", "master"]);
  });

  test("could not run, as the supervisor was frozen past the kill time, is told of in the log and at the next start", async () => {
    await using group = await startGroup({ ttlSeconds: 2 });
    const a = group.start("a", { hooks: hooks(group, "a") });
    await group.masterAmong([a]);
    const main = group.journal.of("a", "begin")[0]?.pid ?? Number.NaN;
    a.child.send("SIGSTOP");
    await waitFor(() => !isAlive(main), { what: "the guard to kill", timeoutMs: 10_000 });
    a.child.send("SIGCONT");
    expect(await a.exited()).toBe(75);
    expect(a.log()).toMatch(/the stopped hook could not run/);
    const again = group.start("a", { hooks: hooks(group, "a") });
    await again.logged(/hook=pre_start/);
    expect(group.journal.of("a", "former").map(({ rest }) => rest.join(" "))).toEqual([
      "[] ",
      "[unclean] master",
    ]);
  });
});

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
