import { chmodSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createTlsFiles, tempDir } from "@msdha/testkit";
import { describe, expect, test } from "vitest";
import { createHookGroup } from "./hook-node.ts";
import { becomeReady, expectSuccess, joinGroup, promote, startFirst } from "./stages.ts";

describe.concurrent("a PostgreSQL group that is made", () => {
  test("takes its settings and passwords from files, and the official image's variables", async () => {
    await using dir = tempDir();
    const file = (name: string, text: string): string => {
      const path = join(dir.path, name);
      writeFileSync(path, `${text}\n`);
      return path;
    };
    await using group = await createHookGroup({
      POSTGRES_PASSWORD: "",
      POSTGRES_PASSWORD_FILE: file("password", "secret"),
      POSTGRES_USER_FILE: file("user", "boss"),
      POSTGRES_DB_FILE: file("db", "shop"),
      POSTGRES_INITDB_ARGS: "--wal-segsize=1 --locale=C",
      POSTGRES_HOST_AUTH_METHOD: "password",
      MSDHA_PG_REPLICATION_PASSWORD: "",
      MSDHA_PG_REPLICATION_PASSWORD_FILE: file("replication", "r\\e:pl'ication"),
      MSDHA_PG_REPLICATION_USER: "copier",
    });
    const a = await startFirst(group, "a", "boss");
    await joinGroup(group, "b");
    const sql = (statement: string): Promise<string> => a.sql(statement, "boss");
    expect(
      await sql("SELECT string_agg(rolname, ' ' ORDER BY rolname) FROM pg_roles WHERE rolcanlogin"),
    ).toBe("boss copier");
    expect(await sql("SELECT rolpassword LIKE 'SCRAM-SHA-256$%' FROM pg_authid WHERE rolname = 'boss'")).toBe(
      "t",
    );
    expect(await sql("SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = 'shop'")).toBe("boss");
    expect(await sql("SHOW wal_segment_size")).toBe("1MB");
    expect(
      await sql("SELECT auth_method FROM pg_hba_file_rules WHERE address = 'all' AND user_name = '{all}'"),
    ).toBe("password");
  });

  test("replicates over TLS where there is a certificate", async () => {
    await using dir = tempDir();
    await using group = await createHookGroup({
      MSDHA_PG_SSL_CERT: join(dir.path, "server.crt"),
      MSDHA_PG_SSL_KEY: join(dir.path, "server.key"),
      MSDHA_PG_SSL_CA: join(dir.path, "ca.crt"),
    });
    const addresses = ["a", "b"].map((name) => group.node(name).address);
    await createTlsFiles(dir.path, { addresses });
    const a = await startFirst(group, "a");
    await joinGroup(group, "b");
    expect(await a.sql("SELECT ssl FROM pg_stat_ssl JOIN pg_stat_replication USING (pid)")).toBe("t");
    // A certificate of an authority that it does not know.
    await createTlsFiles(dir.path, { addresses });
    const c = group.node("c");
    const { exitCode, output } = await c.hook("pre_start");
    expect(exitCode).toBe(1);
    expect(output).toMatch(/^no connection to 127[.\d]+ over TLS: .*certificate verify failed/);
  });

  test("runs the scripts of /docker-entrypoint-initdb.d once, on the node that made the data", async () => {
    await using dir = tempDir();
    chmodSync(dir.path, 0o755);
    writeFileSync(join(dir.path, "1.sql"), "CREATE TABLE scripts (line text);\n");
    writeFileSync(
      join(dir.path, "2.sh"),
      `psql -qc "INSERT INTO scripts VALUES ('$POSTGRES_USER $POSTGRES_DB')"\n`,
    );
    await using group = await createHookGroup({ MSDHA_PG_INITDB_DIR: dir.path, POSTGRES_DB: "postgres" });
    const a = group.node("a");
    expectSuccess(await a.hook("pre_start"));
    await becomeReady(a);
    await promote(group, a);
    const b = await joinGroup(group, "b");
    expect(await b.sql("SELECT string_agg(line, '|') FROM scripts")).toBe("postgres postgres");
  });

  test("takes nothing into use when such a script fails", async () => {
    await using dir = tempDir();
    chmodSync(dir.path, 0o755);
    writeFileSync(join(dir.path, "1.sql"), "SELECT 1/0;\n");
    await using group = await createHookGroup({ MSDHA_PG_INITDB_DIR: dir.path });
    const a = group.node("a");
    const { exitCode, output } = await a.hook("pre_start");
    expect(exitCode).toBe(1);
    expect(output).toMatch(/1\.sql failed: the data that it was to fill are not taken into use$/);
    writeFileSync(join(dir.path, "1.sql"), "SELECT 1;\n");
    expectSuccess(await a.hook("pre_start"));
    expect(a.folders()).toEqual(["data", "run"]);
  });
});
