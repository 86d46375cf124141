import { chmodSync, chownSync, existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createTlsFiles, tempDir } from "@msdha/testkit";
import { describe, expect, test } from "vitest";
import { createHookGroup } from "./hook-node.ts";
import { startFirst } from "./stages.ts";

/** A server would not start with these. */
const valuesOfTheServer: readonly [Record<string, string>, string][] = [
  [{ MSDHA_PG_WAL_KEEP: "128m" }, "MSDHA_PG_WAL_KEEP: expected a size such as 128MB, or 0, got 128m"],
  [{ MSDHA_PG_WAL_KEEP: "-1" }, "MSDHA_PG_WAL_KEEP: expected a size such as 128MB, or 0, got -1"],
  [
    { MSDHA_PG_WAL_KEEP: "9999999TB" },
    "MSDHA_PG_WAL_KEEP: expected a size such as 128MB, or 0, got 9999999TB",
  ],
  [
    { MSDHA_PG_SLOT_KEEP: "1G" },
    "MSDHA_PG_SLOT_KEEP: expected a size such as 1GB, 0 for no slots, or -1 for no limit, got 1G",
  ],
  [
    { MSDHA_PG_SLOT_KEEP: "0MB" },
    "MSDHA_PG_SLOT_KEEP: expected a size such as 1GB, 0 for no slots, or -1 for no limit, got 0MB",
  ],
  [
    { MSDHA_PG_CLONE_MAX_RATE: "2000M" },
    "MSDHA_PG_CLONE_MAX_RATE: expected a rate per second from 32k to 1024M, such as 50M or 800k, got 2000M",
  ],
  [{ PGPORT: "postgres" }, "PGPORT: expected a port from 1 to 65535, got postgres"],
  [{ PGPORT: "65536" }, "PGPORT: expected a port from 1 to 65535, got 65536"],
  [{ PGDATA: "data" }, "PGDATA: expected an absolute path, got data"],
  [
    { MSDHA_PG_LISTEN: "::1," },
    "MSDHA_PG_LISTEN: expected addresses with commas between them, or *, got ::1,",
  ],
  [
    { POSTGRES_HOST_AUTH_METHOD: "scram" },
    "POSTGRES_HOST_AUTH_METHOD: expected one of scram-sha-256, md5, password, trust, reject, ident, gss, pam, got scram",
  ],
  [
    { MSDHA_PG_REPLICATION_PASSWORD: "two\nlines" },
    "MSDHA_PG_REPLICATION_PASSWORD: expected one line, got several",
  ],
  [{ MSDHA_PG_ARGS: "-c 'a.b=1" }, "MSDHA_PG_ARGS: expected every ' to be closed, got -c 'a.b=1"],
  [{ POSTGRES_INITDB_ARGS: '-"x' }, 'POSTGRES_INITDB_ARGS: expected every " to be closed, got -"x'],
  [
    { MSDHA_PG_ARGS: "-c work_mem=1G" },
    'MSDHA_PG_ARGS: expected options that the postgres program takes, got -c work_mem=1G (invalid value for parameter "work_mem": "1G")',
  ],
  [
    { MSDHA_PG_ARGS: "--wrok-mem=1GB" },
    'MSDHA_PG_ARGS: expected options that the postgres program takes, got --wrok-mem=1GB (unrecognized configuration parameter "wrok_mem")',
  ],
  [
    { MSDHA_PG_ARGS: "-c restart_after_crash=on" },
    "MSDHA_PG_ARGS: expected no restart_after_crash, since MSDHA sets it itself",
  ],
  [
    { MSDHA_PG_ARGS: "--config-file=/etc/our.conf" },
    "MSDHA_PG_ARGS: expected no config_file, since PGDATA says where the data and their settings are",
  ],
];

describe.concurrent("a node refuses, with one line and its data untouched,", () => {
  test("a folder with something else in it", async () => {
    await using group = await createHookGroup();
    const a = group.node("a");
    mkdirSync(a.data);
    writeFileSync(join(a.data, "letters"), "dear");
    const { exitCode, output } = await a.hook("pre_start");
    expect({ exitCode, output }).toEqual({
      exitCode: 1,
      output: `PGDATA: ${a.data} is neither empty nor a PostgreSQL data directory; it is left as it is`,
    });
    expect(readdirSync(a.data)).toEqual(["letters"]);
  });

  test("data of another cluster", async () => {
    await using group = await createHookGroup();
    const a = await startFirst(group, "a");
    await a.stop("SIGINT");
    group.setMaster(undefined);
    group.setClaim("postgresql-system-identifier", "42");
    const { exitCode, output } = await a.hook("pre_start");
    expect(exitCode).toBe(1);
    expect(output).toMatch(
      /^PGDATA: .* belongs to another cluster \(system identifier \d+, the group's is 42\)$/,
    );
  });

  test("a replication password that the master does not take", async () => {
    await using group = await createHookGroup();
    await startFirst(group, "a");
    const b = group.node("b");
    const { exitCode, output } = await b.hookWith({ MSDHA_PG_REPLICATION_PASSWORD: "wrong" }, "pre_start");
    expect(exitCode).toBe(1);
    expect(output).toMatch(
      /^127\.[\d.]+ refuses the replication user replicator: FATAL: +password authentication failed/,
    );
    expect(existsSync(b.data)).toBe(false);
  });

  test("settings that are missing or can't be", async () => {
    await using group = await createHookGroup();
    const a = group.node("a");
    const tell = async (settings: Record<string, string | undefined>): Promise<string> => {
      const { exitCode, output } = await a.hookWith(settings, "pre_start");
      expect(exitCode).toBe(1);
      return output;
    };
    expect(await tell({ MSDHA_PG_REPLICATION_PASSWORD: undefined })).toBe(
      "MSDHA_PG_REPLICATION_PASSWORD or MSDHA_PG_REPLICATION_PASSWORD_FILE: expected a password, got none",
    );
    expect(await tell({ POSTGRES_PASSWORD: undefined })).toBe(
      "POSTGRES_PASSWORD or POSTGRES_PASSWORD_FILE: expected the superuser's password, got none",
    );
    const noPassword = { POSTGRES_PASSWORD: undefined };
    expect(await tell({ ...noPassword, POSTGRES_PASSWORD_FILE: "/nowhere" })).toBe(
      "POSTGRES_PASSWORD_FILE: can't read /nowhere",
    );
    expect(await tell({ POSTGRES_PASSWORD_FILE: "/nowhere" })).toBe(
      "POSTGRES_PASSWORD and POSTGRES_PASSWORD_FILE: expected one of them, got both",
    );
    const cases: readonly [Record<string, string>, string][] = [
      [{ MSDHA_PG_RECLONE: "maybe" }, "MSDHA_PG_RECLONE: expected yes or no, got maybe"],
      [{ MSDHA_PG_SYNC: "sometimes" }, "MSDHA_PG_SYNC: expected off, preferred or strict, got sometimes"],
      [{ MSDHA_PG_SYNC_NODES: "0" }, "MSDHA_PG_SYNC_NODES: expected a number from 1 to 9, got 0"],
      [
        { MSDHA_PG_SYNC_NODES: "2" },
        "MSDHA_PG_SYNC_NODES: expected none, since MSDHA_PG_SYNC is off and commits wait for no standby, got 2",
      ],
      [
        { MSDHA_PG_SYNC: "strict", MSDHA_PG_SYNC_NODES: "2", MSDHA_PG_SLOT_KEEP: "0" },
        "MSDHA_PG_SLOT_KEEP: expected more than 0, since MSDHA_PG_SYNC_NODES is 2: without a slot a standby may count twice",
      ],
      [{ MSDHA_PG_SNYC: "strict" }, "MSDHA_PG_SNYC: there is no such setting"],
      [{ MSDHA_PG_HANDOVER: "x" }, "MSDHA_PG_HANDOVER: expected received or clean, got x"],
      [{ MSDHA_PG_STOP_WAIT: "3s" }, "MSDHA_PG_STOP_WAIT: expected a whole number, got 3s"],
      [
        { MSDHA_PG_REPLICATION_USER: "postgres" },
        "MSDHA_PG_REPLICATION_USER: expected another user than the superuser postgres",
      ],
      [{ MSDHA_PG_METRICS_PORT: "http" }, "MSDHA_PG_METRICS_PORT: expected a port from 1 to 65535, got http"],
      [{ MSDHA_PG_WAL_DIR: "wal" }, "MSDHA_PG_WAL_DIR: expected an absolute path, got wal"],
      [{ MSDHA_PG_WAL_DIR: "/nowhere" }, "MSDHA_PG_WAL_DIR: there is no folder /nowhere"],
      [
        { MSDHA_PG_WAL_DIR: `${a.data}/wal` },
        `MSDHA_PG_WAL_DIR: expected a folder outside of PGDATA, got ${a.data}/wal`,
      ],
      [
        { MSDHA_PG_SSL_CERT: "/cert" },
        "MSDHA_PG_SSL_KEY: expected a file, since other settings of TLS are given",
      ],
      [{ MSDHA_PG_SSL_CERT: "/nowhere", MSDHA_PG_SSL_KEY: "/key" }, "MSDHA_PG_SSL_CERT: can't read /nowhere"],
      [{ MSDHA_PG_ARCHIVE: "archive" }, "MSDHA_PG_ARCHIVE: expected an absolute path, got archive"],
      [
        { MSDHA_PG_ARCHIVE: `${a.data}/archive` },
        `MSDHA_PG_ARCHIVE: expected a folder outside of PGDATA, got ${a.data}/archive`,
      ],
      [{ MSDHA_PG_ARCHIVE: "/proc/x" }, "MSDHA_PG_ARCHIVE: the user postgres can't write to /proc/x"],
      ...valuesOfTheServer,
      [
        { MSDHA_PG_ARCHIVE_COMMAND: "true %p", MSDHA_PG_ARGS: "-c archive_mode=off" },
        "MSDHA_PG_ARGS: expected no archive_mode, since MSDHA sets it itself",
      ],
      [
        { MSDHA_PG_RESTORE_COMMAND: "false %p %f", MSDHA_PG_ARGS: "--restore-command=false" },
        "MSDHA_PG_ARGS: expected no restore_command, since MSDHA sets it itself",
      ],
      [{ POSTGRES_INITDB_ARGS: "--nonsense" }, "initdb failed"],
    ];
    for (const [settings, line] of cases) {
      expect((await tell(settings)).split("\n").at(-1)).toBe(line);
    }
    await using dir = tempDir();
    const { serverCert, clientKey } = await createTlsFiles(dir.path);
    expect(await tell({ MSDHA_PG_SSL_CERT: serverCert, MSDHA_PG_SSL_KEY: clientKey })).toMatch(
      /^MSDHA_PG_SSL_CERT, MSDHA_PG_SSL_KEY: expected a certificate and its key, got .* \(.*key values mismatch\)$/,
    );
    expect(a.folders().filter((name) => name !== "data.msdha-new")).toEqual(["run"]);
  });

  test.skipIf(process.getuid?.() !== 0)("a volume that it can't write to", async () => {
    await using group = await createHookGroup();
    const a = group.node("a");
    const { exitCode, output } = await a.hookWith({ PGDATA: "/proc/data" }, "pre_start");
    expect({ exitCode, output }).toEqual({
      exitCode: 1,
      output: "PGDATA: the user postgres can't write to /proc",
    });
  });

  test.skipIf(process.getuid?.() !== 0)("a data directory that it can't write to", async () => {
    await using group = await createHookGroup();
    const a = await startFirst(group, "a");
    await a.stop("SIGINT");
    group.setMaster(undefined);
    chownSync(a.data, 0, 0);
    chmodSync(a.data, 0o755);
    const { exitCode, output } = await a.hook("pre_start");
    expect({ exitCode, output }).toEqual({
      exitCode: 1,
      output: `PGDATA: the user postgres can't write to ${a.data}`,
    });
  });
});
