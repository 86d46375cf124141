import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { systemClock } from "@msdha/clock";
import { findDiskObstacle, mountTestDisk, tempDir, waitFor } from "@msdha/testkit";
import { beforeAll, describe, expect, test } from "vitest";
import { startGuard } from "../src/index.ts";
import { buildGuard, isAlive, killNow, mark, program, startSupervisor, waitForGrowth } from "./support.ts";

beforeAll(buildGuard);

const why = findDiskObstacle();
const because = why === undefined ? "" : ` (skipped: ${why})`;

/** One process at a time, but never the same for long: hardly any walk sees it before it has become another. */
const comet = (file: string): [string, string[]] => ["perl", [program("comet.pl"), file, "60"]];

describe(`a file to withdraw whose file system is frozen${because}`, { skip: why !== undefined }, () => {
  test("does not keep killAll() from killing to the last one, and goes with the thaw", async () => {
    using marked = mark();
    await using folder = tempDir();
    await using guard = await startGuard();
    using disk = mountTestDisk(join(folder.path, "disk"));
    const file = join(disk.path, "is_master");
    const trace = join(folder.path, "trace");
    writeFileSync(file, "");
    await guard.withdrawAtKill([file]);
    await guard.spawn(...comet(trace), { env: marked.env, output: "inherit" });
    await waitForGrowth(trace);
    disk.hurt("frozen");
    await guard.killAll();
    expect(marked.alive()).toEqual([]);
    // The guard is of use all the same, and keeps its next deadline.
    await guard.spawn(...comet(trace), { env: marked.env, output: "inherit" });
    await guard.setDeadline(systemClock.now() + 300);
    await guard.gone();
    expect(marked.alive()).toEqual([]);
    expect(existsSync(file)).toBe(true);
    disk.heal();
    await waitFor(() => !existsSync(file), { what: "the file to go" });
  });

  test("keeps nothing alive when the supervisor is killed", async () => {
    using marked = mark();
    await using folder = tempDir();
    using disk = mountTestDisk(join(folder.path, "disk"));
    const file = join(disk.path, "is_master");
    const trace = join(folder.path, "trace");
    const lockFile = join(folder.path, "lock");
    writeFileSync(file, "");
    const [name, args] = comet(trace);
    await using supervisor = startSupervisor(
      { lockFile, withdraw: [file], spawn: [[name, ...args]] },
      marked,
    );
    const { guard } = await supervisor.event("ready");
    await waitForGrowth(trace);
    disk.hurt("frozen");
    killNow(supervisor.pid);
    await waitFor(() => marked.alive().length === 0, { what: "everything to be killed", intervalMs: 1 });
    await systemClock.sleep(1_500);
    expect(marked.alive()).toEqual([]);
    // A new run must wait: the file that is yet to be unlinked would be its own.
    await expect(startGuard({ lockFile })).rejects.toMatchObject({ code: "ERR_GUARD_BUSY" });
    disk.heal();
    await waitFor(() => ![guard?.outer ?? 0, guard?.inner ?? 0].some(isAlive), { what: "the guard to end" });
    expect(existsSync(file)).toBe(false);
    await using next = await startGuard({ lockFile });
    expect(next.lost.aborted).toBe(false);
  });
});
