import { waitFor } from "@msdha/testkit";
import { describe, expect, test } from "vitest";
import type { TestGroup } from "../support/group.ts";
import { startMariadbGroup } from "./mariadb-group.ts";
import { addPerson, lacksPersons, startFirstOpenldap } from "./openldap-group.ts";
import { startRedisGroup, untilSynced } from "./redis-group.ts";

const OFTEN = { MSDHA_REPORT_INTERVAL: "1" };

describe("the report hook of the Redis example", () => {
  test("says how many bytes a replica lacks, and that it is not connected", async () => {
    await using redis = await startRedisGroup({ password: "secret" });
    await redis.masterAmong([redis.start(0, OFTEN)]);
    redis.start(1, OFTEN);
    await redis.group.state("r2", "ready", 60_000);
    await untilSynced(redis, [1]);
    await reported(redis.group, "r1", (report) => expect(report).toEqual({}));
    await reported(redis.group, "r2", (report) => expect(report).toEqual({ behind: 0 }));
    await redis.connect(1).config("SET", "masterauth", "wrong");
    await redis.connect(0).call("CLIENT", "KILL", "TYPE", "replica");
    await redis.connect(0).set("key", "x".repeat(5_000));
    await reported(redis.group, "r2", ({ behind, note }) => {
      expect(behind).toBeGreaterThan(5_000);
      expect(behind).toBeLessThan(6_000);
      expect(note).toMatch(/^not connected to the master for \d+ s$/);
    });
    await redis.connect(1).config("SET", "masterauth", "secret");
    await reported(redis.group, "r2", (report) => expect(report).toEqual({ behind: 0 }));
  }, 120_000);
});

describe("the report hook of the MariaDB example", () => {
  test("says how many bytes and transactions a replica lacks, and why it does not apply them", async () => {
    await using mariadb = await startMariadbGroup();
    await mariadb.masterAmong([mariadb.start(0, OFTEN)]);
    mariadb.start(1, OFTEN);
    await mariadb.allServe();
    await waitFor(() => mariadb.query("CREATE TABLE t (n INT PRIMARY KEY)").then(() => true), {
      what: "a write",
      timeoutMs: 60_000,
    });
    await mariadb.whole();
    await reported(mariadb.group, "m1", (report) => expect(report).toEqual({}));
    await reported(mariadb.group, "m2", (report) => expect(report).toEqual({ behind: 0 }));
    // A lock holds what is received back.
    await mariadb.asRoot(1, "SET GLOBAL lock_wait_timeout = 600; SET GLOBAL innodb_lock_wait_timeout = 600");
    const locked = mariadb.asRoot(1, "LOCK TABLES app.t READ; SELECT SLEEP(600)").catch(() => "");
    await waitFor(async () => (await mariadb.asRoot(1, "SHOW PROCESSLIST")).includes("SLEEP"), {
      what: "a lock",
    });
    for (const n of [1, 2, 3]) await mariadb.query(`INSERT INTO t VALUES (${n})`, 0);
    await reported(mariadb.group, "m2", ({ behind, note }) => {
      expect(behind).toBeGreaterThan(100);
      expect(behind).toBeLessThan(5_000);
      expect(note).toBe("transactions missing: 3");
    });
    const [id = ""] = /^\d+(?=.*SLEEP)/m.exec(await mariadb.asRoot(1, "SHOW PROCESSLIST")) ?? [];
    await mariadb.asRoot(1, `KILL ${id}`);
    await locked;
    await reported(mariadb.group, "m2", (report) => expect(report).toEqual({ behind: 0 }));
    await mariadb.asRoot(1, "STOP SLAVE SQL_THREAD");
    await mariadb.asRoot(1, "SET sql_log_bin = 0; INSERT INTO app.t VALUES (4)");
    await mariadb.query("INSERT INTO t VALUES (4)", 0);
    await reported(mariadb.group, "m2", ({ note }) => {
      expect(note).toMatch(/^applies nothing: .*Duplicate entry '4'/);
    });
  }, 180_000);
});

describe("the report hook of the OpenLDAP example", () => {
  test("says how much older a replica's data are, and that it does not apply what it gets", async () => {
    await using group = await startFirstOpenldap((place) => ({ ...lacksPersons(place), ...OFTEN }));
    group.start(1);
    await group.whole();
    await reported(group.group, "n1", (report) => expect(report).toEqual({}));
    await reported(group.group, "n2", (report) => expect(report).toEqual({ behind: 0 }));
    await addPerson(group, 2, 0);
    await reported(group.group, "n2", ({ behind, note }) => {
      expect(behind).toBeUndefined();
      expect(note).toMatch(/^does not apply what it gets: .*; the last change here is \d+ s older/);
    });
  }, 180_000);
});

/** What `msdha list` shows of a node as BEHIND and NOTE. */
interface Report {
  readonly behind?: number;
  readonly note?: string;
}

/** Resolves when a node's report is as expected. */
async function reported(group: TestGroup, node: string, expected: (report: Report) => void): Promise<void> {
  await expect
    .poll(
      async () => {
        const text = (await group.keys())[`_report/${node}`];
        try {
          expected(JSON.parse(text ?? "null") as Report);
        } catch {
          return text;
        }
        return "as expected";
      },
      { timeout: 40_000, interval: 200 },
    )
    .toBe("as expected");
}
