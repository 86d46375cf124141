import { mkdirSync, rmSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { startGroup } from "./support/group.ts";

describe.concurrent("a candidate hook", () => {
  test("keeps a node from being master for as long as it says so", async () => {
    await using group = await startGroup({ ttlSeconds: 2 });
    const a = group.start("a", { hooks: { candidate: "exit 1" } });
    await group.state("a", "ready");
    const b = group.start("b", { hooks: { candidate: "exit 0" } });
    await group.masterAmong([b]);
    expect(a.log()).toMatch(/no candidate now: hook candidate ended with code 1/);
    expect(group.journal.of("a", "master")).toEqual([]);
  });

  test("keeps a node from being master also when its file is taken away while the node runs", async () => {
    await using group = await startGroup({ ttlSeconds: 2 });
    const a = group.start("a", { hooks: { candidate: "exit 1" } });
    await a.logged(/no candidate now: hook candidate ended with code 1/);
    rmSync(join(group.dir, group.name, "a", "hooks", "candidate"));
    await a.logged(
      /no candidate now: hook candidate can't be run: it was there when the node started, and is gone/,
    );
    expect(group.journal.of("a", "master")).toEqual([]);
  });

  test("that is a link to nothing keeps its node from starting", async () => {
    await using group = await startGroup({ ttlSeconds: 2 });
    const hooks = join(group.dir, group.name, "a", "hooks");
    mkdirSync(hooks, { recursive: true });
    symlinkSync("/nowhere/candidate", join(hooks, "candidate"));
    const a = group.start("a");
    expect(await a.exited()).toBe(70);
    expect(a.log()).toMatch(/hook candidate can't be run: it is a link to a file that is not there \(/);
  });

  test("lets the node go first that is the furthest", async () => {
    await using group = await startGroup({ ttlSeconds: 3 });
    const ranked = (name: string, rank: number) =>
      group.start(name, { hooks: { candidate: `echo some words; echo ${rank}` } });
    const first = ranked("first", 1);
    await group.masterAmong([first]);
    const slaves = [ranked("a", 10), ranked("b", 30), ranked("c", 20)];
    for (const { name } of slaves) await group.state(name, "ready");
    first.stop();
    const next = await group.masterAmong(slaves);
    expect(next.name).toBe("b");
    next.stop();
    expect((await group.masterAmong(slaves.filter((node) => node !== next))).name).toBe("c");
  });

  test("that prints a line which is too long to be a rank has none, whatever the line ends with", async () => {
    await using group = await startGroup({ ttlSeconds: 2 });
    const long = 'printf "%08192d" 0 | tr 0 x; echo 99';
    const a = group.start("a", { hooks: { candidate: long } });
    await a.logged(/no candidate now: the last line of hook candidate is no rank: .*got "x{100}…"/);
    expect(group.journal.of("a", "master")).toEqual([]);
  });

  test("is asked with the lock in hand; a node that is alone and may not be master then gives it back", async () => {
    await using group = await startGroup({ ttlSeconds: 2 });
    const a = group.start("a", {
      hooks: {
        candidate: 'n=$(cat asked 2>/dev/null || echo 0); echo $((n + 1)) > asked; [ "$n" != 0 ]'.replaceAll(
          "asked",
          '"$MSDHA_RUN_DIR/asked"',
        ),
      },
    });
    await a.logged(/gave the master lock back: no node may be master now/);
    await group.masterAmong([a]);
    expect(a.log()).toMatch(/took the master lock.*takenAfter=handover/);
  });
});

test.concurrent("a value that the master puts can be read by every node, and put by no other", async () => {
  await using group = await startGroup({ ttlSeconds: 2 });
  const tell =
    'echo "read $(msdha-backend get in-sync 2>&1)"; msdha-backend put in-sync x 2>&1 || echo refused';
  const a = group.start("a", { hooks: { master: 'msdha-backend put in-sync "b c"; echo "put it"' } });
  await a.logged(/put it/);
  const b = group.start("b", { hooks: { ready: tell } });
  await b.logged(/read b c/);
  await b.logged(/only the master may put a value/);
  await b.logged(/refused/);
});
