import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { findDiskObstacle, tempDir } from "@msdha/testkit";
import { describe, expect, test } from "vitest";
import { openJournal } from "../support/journal.ts";
import { promoted } from "../support/paths.ts";
import { faults } from "./faults.ts";
import { type FailoverFigures, startPostgresqlPair } from "./pair.ts";
import { obstacle } from "./postgresql-server.ts";
import { freezeLeadersDisk } from "./slow-leader.ts";

const because = obstacle ? ` (skipped: ${obstacle})` : "";
const diskObstacle = obstacle ?? findDiskObstacle();
const becauseOfDisk = diskObstacle ? ` (skipped: ${diskObstacle})` : "";

function expectGone({ alive, marginMs, commits }: FailoverFigures): void {
  expect(alive).toEqual([]);
  expect(marginMs).toBeGreaterThan(0);
  expect(commits).toBeGreaterThan(10);
}

const options = { concurrent: true, skip: obstacle !== undefined };

describe(`a PostgreSQL with a session that commits${because}`, options, () => {
  test("is gone before the next master's hook begins, when its supervisor is frozen", async () => {
    await using pair = await startPostgresqlPair();
    for (let run = 0; run < 2; run++) expectGone(await pair.failOver(faults.freeze));
  });

  test("is gone before the next master's hook begins, when its supervisor's event loop is blocked", async () => {
    await using pair = await startPostgresqlPair();
    expectGone(await pair.failOver(faults.block));
  });

  test("is gone at once when its supervisor is killed", async () => {
    await using pair = await startPostgresqlPair();
    const figures = await pair.failOver(faults.kill);
    expectGone(figures);
    expect(figures.aliveMs).toBeLessThan(3_000);
  });

  test("is gone at once when both guards are killed and its supervisor lives", async () => {
    await using pair = await startPostgresqlPair();
    const figures = await pair.failOver(faults.killGuards);
    expectGone(figures);
    expect(figures.aliveMs).toBeLessThan(3_000);
  });

  test("lives on when its supervisor and both guards are killed at once, in no container", async () => {
    await using pair = await startPostgresqlPair({ ttlSeconds: 2 });
    const figures = await pair.failOver(faults.killSupervision);
    expect(figures.alive).not.toEqual([]);
    expect(figures.afterUndoMs).toBeLessThan(3_000);
  });

  test("lives for a moment after it was frozen as a whole and thawed, and no longer", async () => {
    await using pair = await startPostgresqlPair({ ttlSeconds: 2 });
    const figures = await pair.failOver(faults.freezeAll);
    expect(figures.alive).not.toEqual([]);
    expect(figures.afterUndoMs).toBeGreaterThan(0);
    expect(figures.afterUndoMs).toBeLessThan(1_000);
  });

  test.skipIf(diskObstacle)(
    `is gone before the next master's hook begins, when the disk of the etcd leader that its supervisor talks to is frozen${becauseOfDisk}`,
    async () => expectGone(await freezeLeadersDisk()),
  );
});

test("the hook of these tests sees who is alive", async () => {
  await using folder = tempDir();
  const journal = openJournal(join(folder.path, "journal"));
  const script = `cd ${folder.path}; sleep 60 & ${promoted} ${journal.path} b run 7 a ${folder.path}/run ${folder.path}; kill $!`;
  execFileSync("sh", ["-c", script]);
  expect(journal.of("b", "master")).toMatchObject([{ run: "run", rest: ["7"] }]);
  expect(journal.of("a", "alive").map(({ rest }) => rest[0])).toContain("sleep_60_");
});
