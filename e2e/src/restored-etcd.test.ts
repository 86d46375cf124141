import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { startGroup, type TestGroup } from "./support/group.ts";

const PATIENCE_MS = 60_000;

/** Takes a snapshot of etcd; the returned function brings it back. */
async function takeSnapshot({ etcd, dir }: TestGroup): Promise<() => Promise<void>> {
  const file = join(dir, "snapshot");
  await etcd.etcdctl("snapshot", "save", file);
  return () => etcd.restore(file);
}

const ranked = (rank: number) => ({ hooks: { candidate: `echo ${rank}` } });

describe.concurrent("an etcd that is restored from a snapshot under a running group", () => {
  test("ends a master that it has forgotten, and the next one waits for it", async () => {
    await using group = await startGroup();
    const a = group.start("a");
    await group.masterAmong([a]);
    const b = group.start("b", { ...ranked(2), mode: "ignore-term" });
    const c = group.start("c", ranked(1));
    for (const { name } of [b, c]) await group.state(name, "ready");
    const restore = await takeSnapshot(group);
    a.stop();
    await group.masterAmong([b]);
    await restore();
    await b.logged(/ending: /);
    await group.masterAmong([c], PATIENCE_MS);
    expect(await b.exited()).toBe(75);
  });

  test("makes the next one wait for a TTL that it has forgotten", async () => {
    await using group = await startGroup();
    const a = group.start("a");
    await group.masterAmong([a]);
    const b = group.start("b", { ...ranked(2), ttlSeconds: 12, mode: "ignore-term" });
    const c = group.start("c", ranked(1));
    for (const { name } of [b, c]) await group.state(name, "ready");
    const restore = await takeSnapshot(group);
    expect((await group.keys())["_ttl"]).toBe("3");
    a.stop();
    await group.masterAmong([b]);
    expect((await group.keys())["_ttl"]).toBe("12");
    await restore();
    await b.logged(/ending: /);
    await group.masterAmong([c], PATIENCE_MS);
    expect(c.log()).toMatch(/took the master lock.*waitMs=24000/);
  });
});
