import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { allVariables, SettingsError } from "@msdha/settings";
import { describe, expect, it } from "vitest";
import { knownVariables, readConfig } from "./config.ts";

const least = { ETCDCTL_ENDPOINTS: "http://etcd:2379", MSDHA_GROUP: "db", MSDHA_PORT: "5432" };

describe("readConfig", () => {
  it("needs no more than etcd, the group and the port", () => {
    expect(readConfig(least).config).toEqual({
      etcd: { endpoints: [{ address: "etcd:2379", secure: false }] },
      etcdTimeoutMs: 30_000,
      group: "db",
      port: 5432,
      addresses: [],
      parkMs: 40_000,
      tickMs: 100,
      idleTimeoutMs: 86_400_000,
      stopGraceMs: 8_000,
      lookupIntervalMs: 5_000,
      maxConnections: undefined,
      threads: undefined,
      runDir: "/run/msdha",
      statusPort: undefined,
      haproxyFile: "haproxy",
      logSessions: false,
    });
  });

  it("lets connections wait for three times the TTL and ten seconds, unless told otherwise", () => {
    expect(readConfig({ ...least, MSDHA_TTL: "3" }).config.parkMs).toBe(19_000);
    expect(readConfig({ ...least, MSDHA_TTL: "3", MSDHA_PARK: "0" }).config.parkMs).toBe(0);
    expect(readConfig({ ...least, MSDHA_PARK: "2m" }).config.parkMs).toBe(120_000);
  });

  it("rounds lengths of time up to whole milliseconds, as HAProxy wants them", () => {
    expect(readConfig({ ...least, MSDHA_CONNECT_TIMEOUT: "0.0501" }).config.tickMs).toBe(51);
  });

  it("takes any variable from a file", () => {
    const folder = mkdtempSync(join(tmpdir(), "msdha-config-"));
    try {
      const file = join(folder, "port");
      writeFileSync(file, "6432\n");
      expect(readConfig({ ...least, MSDHA_PORT: "", MSDHA_PORT_FILE: file }).config.port).toBe(6432);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it("takes the backend's variables for what they are", () => {
    const shared = {
      MSDHA_NAME: "n",
      MSHDA_NAME: "n",
      MSDHA_MASTER_TTL: "1d",
      MSDHA_PG_BIN: "/x",
      MSDHA_STOP_TIMEOUT: "1",
    };
    expect(readConfig({ ...least, ...shared }).config.group).toBe("db");
  });

  it.each([
    ["MSDHA_PORT", "0", "a whole number from 1 to 65535"],
    ["MSDHA_PORT", "postgresql", "a whole number from 1 to 65535"],
    [
      "MSDHA_GROUP",
      "a/b",
      "a name of 1 to 253 characters without / or white space, not beginning with _ . or -",
    ],
    ["MSDHA_BIND", "localhost", "* or IP addresses with commas between them"],
    ["MSDHA_BIND", "127.0.0.1,", "* or IP addresses with commas between them"],
    ["MSDHA_PARK", "30d", "a length of time such as 90, 15m, 12h, 1d, at most 2073600 s"],
    ["MSDHA_CONNECT_TIMEOUT", "0", "a length of time such as 90, 15m, 12h, 1d, from 0.01 s to 60 s"],
    ["MSDHA_THREADS", "65", "a whole number from 1 to 64"],
    ["MSDHA_RUN_DIR", "run", "an absolute path of at most 70 letters, digits and . _ / -"],
    ["MSDHA_RUN_DIR", "/run/x y", "an absolute path of at most 70 letters, digits and . _ / -"],
    ["MSDHA_LOG_FORMAT", "xml", "one of text, json"],
    ["MSDHA_STATUS_PORT", "5432", "another port than MSDHA_PORT"],
  ])("refuses %s=%s", (variable, got, expected) => {
    expect(problems({ ...least, [variable]: got })).toEqual([{ variable, expected, got }]);
  });

  it("names a misspelt variable's right spelling", () => {
    expect(problems({ ...least, MSDHA_BINDS: "*" })).toEqual([
      { variable: "MSDHA_BINDS", expected: "a known variable (MSDHA_BIND?)" },
    ]);
  });

  it("reports the wrong and the missing ones of both kinds together", () => {
    const variables = problems({ ETCDCTL_ENDPOINTS: "ftp://x", MSDHA_PARK: "?" }).map(
      ({ variable }) => variable,
    );
    expect(variables.toSorted()).toEqual(["ETCDCTL_ENDPOINTS", "MSDHA_GROUP", "MSDHA_PARK", "MSDHA_PORT"]);
  });
});

function problems(environment: Record<string, string>): SettingsError["problems"] {
  try {
    readConfig(environment);
  } catch (error) {
    if (error instanceof SettingsError) return error.problems;
    throw error;
  }
  return [];
}

it("is known to the other app by every one of its variables", () => {
  expect(allVariables).toEqual(expect.arrayContaining([...knownVariables]));
});
