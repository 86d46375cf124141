import { readFile } from "node:fs/promises";
import { waitFor } from "@msdha/testkit";
import { describe, expect, test } from "vitest";
import { type MariadbGroup, startMariadbGroup } from "./mariadb-group.ts";

describe("the MariaDB example", () => {
  test("loses no acknowledged write in ten planned stops in a row under load", async () => {
    await using mariadb = await startMariadbGroup();
    for (const index of [0, 1, 2]) mariadb.start(index);
    await mariadb.masterAmong(mariadb.nodes);
    await makeTable(mariadb);
    const writer = startWriter(mariadb);
    for (let round = 0; round < 10; round += 1) {
      await waitFor(() => writer.acknowledged.length > 10 * round, { what: "writes", timeoutMs: 60_000 });
      const master = await mariadb.masterAmong(mariadb.nodes);
      await mariadb.allServe();
      const index = mariadb.nodes.indexOf(master);
      master.stop();
      expect(await master.exited()).toBe(0);
      mariadb.start(index);
      await mariadb.masterAmong(mariadb.nodes.filter((_, other) => other !== index));
    }
    await writer.end();
    await mariadb.whole();
    const rows = new Set((await mariadb.query("SELECT n FROM written")).split("\n").map(Number));
    expect(writer.acknowledged.filter((number) => !rows.has(number))).toEqual([]);
    expect(writer.acknowledged.length).toBeGreaterThan(100);
    process.stdout.write(`ten planned stops: ${writer.acknowledged.length} acknowledged writes, none lost\n`);
  }, 600_000);

  test("goes on after its server was killed, and the former master follows with nothing of its own", async () => {
    await using mariadb = await startMariadbGroup();
    for (const index of [0, 1, 2]) mariadb.start(index);
    const master = await mariadb.masterAmong(mariadb.nodes);
    await makeTable(mariadb);
    await write(mariadb, 1);
    await mariadb.whole();
    const index = mariadb.nodes.indexOf(master);
    const others = [0, 1, 2].filter((other) => other !== index);
    // Cut off from those that follow it, it takes a write that nobody else has.
    for (const other of others) await mariadb.asRoot(other, "STOP SLAVE IO_THREAD");
    await mariadb.query("INSERT INTO written VALUES (2)", index);
    const pid = await mariadb.asRoot(index, "SELECT @@pid_file");
    process.kill(Number(await readPid(pid)), "SIGKILL");
    await master.exited();
    const next = await mariadb.masterAmong(mariadb.nodes.filter((node) => node !== master));
    await waitFor(() => write(mariadb, 3), { what: "a write", timeoutMs: 60_000 });
    // It has what the group has not: it gives it up and begins anew with a copy.
    const again = mariadb.start(index);
    await again.exited();
    expect(again.log()).toContain("have parted from the");
    mariadb.start(index);
    await mariadb.whole();
    expect(next.child.running).toBe(true);
    expect(await mariadb.query("SELECT n FROM written ORDER BY n", index)).toBe("1\n3");
  }, 300_000);
});

async function readPid(file: string): Promise<string> {
  return await readFile(file, "utf8");
}

/** Makes the table as soon as the application's account is there. */
async function makeTable(mariadb: MariadbGroup): Promise<void> {
  const made = async (): Promise<true> => {
    await mariadb.query("CREATE TABLE IF NOT EXISTS written (n INT PRIMARY KEY) ENGINE = InnoDB");
    return true;
  };
  await waitFor(made, { what: "the application's account", timeoutMs: 60_000 });
}

/** Resolves with true when the write was acknowledged. */
async function write(mariadb: MariadbGroup, number: number): Promise<true> {
  await mariadb.query(`INSERT INTO written VALUES (${number})`);
  return true;
}

/** Writes one row after the other, and keeps the numbers of those that were acknowledged. */
function startWriter(mariadb: MariadbGroup): { readonly acknowledged: number[]; end(): Promise<void> } {
  const acknowledged: number[] = [];
  let going = true;
  const done = (async () => {
    for (let number = 1; going; number += 1) {
      if (await write(mariadb, number).catch(() => false)) acknowledged.push(number);
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
