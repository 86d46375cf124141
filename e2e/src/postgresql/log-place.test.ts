import {
  chmodSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readlinkSync,
  renameSync,
  rmSync,
} from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { createHookGroup, type HookNode } from "./hook-node.ts";
import { becomeReady, joinGroup, promote, startFirst } from "./stages.ts";

/** A folder on another file system than the data's. */
function openVolume() {
  const path = mkdtempSync("/var/tmp/msdha-wal-");
  chmodSync(path, 0o777);
  const volume = {
    path,
    of: (name: string): string => {
      const folder = join(path, name);
      mkdirSync(folder);
      chmodSync(folder, 0o777);
      return folder;
    },
    [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }),
  };
  return volume;
}

const logOfData = ({ data }: HookNode): string => join(data, "pg_wal");

describe.concurrent("a PostgreSQL node with a volume for the log", () => {
  test("has the log there after initdb, a clone, a rewind and a new clone", async () => {
    using volume = openVolume();
    await using group = await createHookGroup({ MSDHA_PG_RECLONE: "yes" });
    const [ofA, ofB] = [volume.of("a"), volume.of("b")];
    const a = group.node("a", { MSDHA_PG_WAL_DIR: ofA });
    expect(await a.hook("pre_start")).toMatchObject({ exitCode: 0 });
    await becomeReady(a);
    await promote(group, a);
    expect(readlinkSync(logOfData(a))).toMatch(new RegExp(`^${ofA}/pg_wal-\\w+$`));
    // The variable of the official image.
    const b = await joinGroup(group, "b", { POSTGRES_INITDB_WALDIR: ofB });
    expect(readdirSync(ofB)).toHaveLength(1);

    await a.sql("CREATE TABLE t AS SELECT generate_series(1, 1000)");
    await a.stop("SIGKILL");
    await promote(group, b);
    const before = readlinkSync(logOfData(a));
    const back = await a.hook("pre_start");
    expect(back).toMatchObject({ exitCode: 0, output: expect.stringMatching(/pg_rewind/) });
    await becomeReady(a);
    expect(readlinkSync(logOfData(a))).toBe(before);

    await a.stop("SIGINT");
    const anew = await a.hookWith({ MSDHA_REINIT: "1" }, "pre_start");
    expect(anew.output).toMatch(new RegExp(`the old data are kept in \\S+ and ${before};`));
    await becomeReady(a);
    expect(readdirSync(ofA)).toHaveLength(2);
    expect(readlinkSync(logOfData(a))).not.toBe(before);
  });

  test("moves the log of data that it has, and completes a move that was cut short", async () => {
    using volume = openVolume();
    await using group = await createHookGroup();
    const a = await startFirst(group, "a");
    await a.sql("CREATE TABLE t AS SELECT generate_series(1, 1000)");
    await a.stop("SIGKILL");
    group.setMaster(undefined);
    const there = volume.of("a");
    const refused = await a.hookWith({ MSDHA_PG_WAL_DIR: "/proc" }, "pre_start");
    expect(refused).toEqual({
      exitCode: 1,
      output: "MSDHA_PG_WAL_DIR: the user postgres can't write to /proc",
    });
    // Cut short between the two renames, with a copy that was begun.
    renameSync(logOfData(a), `${logOfData(a)}.msdha-old`);
    mkdirSync(join(there, "msdha-new"));
    chmodSync(join(there, "msdha-new"), 0o777);
    const moved = await a.hookWith({ MSDHA_PG_WAL_DIR: there }, "pre_start");
    expect(moved).toMatchObject({
      exitCode: 0,
      output: expect.stringMatching(new RegExp(`moving the log from ${logOfData(a)} to ${there}/pg_wal-`)),
    });
    expect(lstatSync(logOfData(a)).isSymbolicLink()).toBe(true);
    expect(readdirSync(there)).toHaveLength(1);
    expect(readdirSync(a.data).filter((name) => name.startsWith("pg_wal"))).toEqual(["pg_wal"]);
    await becomeReady(a);
    await promote(group, a);
    expect(await a.sql("SELECT count(*) FROM t")).toBe("1000");
    await a.stop("SIGINT");
    // Nothing is moved back, and nothing twice.
    expect(await a.hookWith({ MSDHA_PG_WAL_DIR: there }, "pre_start")).toEqual({ exitCode: 0, output: "" });
    expect(await a.hook("pre_start")).toEqual({ exitCode: 0, output: "" });
  });
});
