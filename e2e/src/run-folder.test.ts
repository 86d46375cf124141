import { join } from "node:path";
import { diskTroubles, findDiskObstacle, mountTestDisk, startTcpProxy } from "@msdha/testkit";
import { describe, expect, test } from "vitest";
import { startGroup } from "./support/group.ts";

const obstacle = findDiskObstacle();
const because = obstacle === undefined ? "" : ` (skipped: ${obstacle})`;

/** A master `a` with a run folder on a disk of its own, and a slave `b`; a program of `a` has to be killed. */
async function startPair() {
  await using stack = new AsyncDisposableStack();
  const group = stack.use(await startGroup());
  // Healed before the group ends: nothing ends that hangs on a frozen disk.
  const disk = stack.use(mountTestDisk(join(group.dir, "db", "a", "run")));
  const proxy = stack.use(await startTcpProxy(group.etcd.clientPort));
  const a = group.start("a", {
    endpoints: `http://${proxy.address}`,
    mode: "double-fork",
    env: { MSDHA_STOP_TIMEOUT: "2" },
  });
  await group.masterAmong([a]);
  const b = group.start("b");
  await group.state("b", "ready");
  const owned = stack.move();
  return { group, disk, proxy, a, b, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

describe.concurrent.each(diskTroubles)(`a master whose run folder is %s${because}`, (trouble) => {
  test.skipIf(obstacle)("is gone before the next one is promoted when it loses etcd", async () => {
    await using pair = await startPair();
    pair.disk.hurt(trouble);
    await pair.proxy.setMode("silent");
    await pair.group.masterAmong([pair.b]);
    expect(pair.group.journal.overlaps()).toEqual([]);
    pair.disk.heal();
    expect(await pair.a.exited()).toBe(75);
  });

  test.skipIf(obstacle)("hands over in a planned stop", async () => {
    await using pair = await startPair();
    pair.disk.hurt(trouble);
    pair.a.stop();
    await pair.group.masterAmong([pair.b]);
    expect(pair.b.log()).toMatch(/took the master lock.*takenAfter=handover/);
    pair.disk.heal();
    expect(await pair.a.exited()).toBe(0);
  });
});
