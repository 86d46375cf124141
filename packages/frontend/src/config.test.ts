import { generateKeyPairSync } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { isIP } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { allVariables } from "@msdha/app";
import { isName } from "@msdha/group";
import { SettingsError } from "@msdha/settings";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type FrontendConfig, knownVariables, readConfig } from "./config.ts";

const least = { ETCDCTL_ENDPOINTS: "http://etcd:2379", MSDHA_GROUP: "db", MSDHA_PORT: "5432" };

const PORTS = "a whole number from 1 to 65535, or at most 16 of them with commas between them";

describe("readConfig", () => {
  it("needs no more than etcd, the group and the port", () => {
    expect(readConfig(least).config).toEqual({
      etcd: { endpoints: [{ address: "etcd:2379", secure: false }] },
      etcdTimeoutMs: 30_000,
      etcdOld: "warn",
      etcdLost: "park",
      group: "db",
      ttlSeconds: 10,
      ports: [{ listen: 5432, target: 5432 }],
      readPort: undefined,
      readMaxLagBytes: Number.POSITIVE_INFINITY,
      addresses: [],
      parkMs: 40_000,
      tickMs: 100,
      idleTimeoutMs: 86_400_000,
      halfClosedTimeoutMs: undefined,
      stopGraceMs: 8_000,
      lookupIntervalMs: 5_000,
      lookupKeepMs: 300_000,
      maxConnections: undefined,
      threads: undefined,
      runDir: "/run/msdha",
      statusPort: undefined,
      statusAddress: undefined,
      haproxyFile: "haproxy",
      logSessions: false,
      acceptProxy: false,
      sendProxy: undefined,
    });
  });

  it("takes several ports, each with a target of its own where there are any", () => {
    const several = { ...least, MSDHA_PORT: "389, 636" };
    expect(readConfig(several).config.ports).toEqual([
      { listen: 389, target: 389 },
      { listen: 636, target: 636 },
    ]);
    expect(readConfig({ ...several, MSDHA_TARGET_PORT: "3890,6360" }).config.ports).toEqual([
      { listen: 389, target: 3890 },
      { listen: 636, target: 6360 },
    ]);
    expect(problems({ ...several, MSDHA_TARGET_PORT: "3890" })).toEqual([
      { variable: "MSDHA_TARGET_PORT", expected: "as many ports as MSDHA_PORT has, 2", got: "3890" },
    ]);
    expect(problems({ ...several, MSDHA_STATUS_PORT: "636" })).toEqual([
      { variable: "MSDHA_STATUS_PORT", expected: "another port than MSDHA_PORT", got: "636" },
    ]);
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
      expect(readConfig({ ...least, MSDHA_PORT: "", MSDHA_PORT_FILE: file }).config.ports).toEqual([
        { listen: 6432, target: 6432 },
      ]);
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
    ["MSDHA_PORT", "0", PORTS],
    ["MSDHA_PORT", "postgresql", PORTS],
    ["MSDHA_PORT", "1,", PORTS],
    ["MSDHA_PORT", Array.from({ length: 17 }, (_, index) => index + 1).join(","), PORTS],
    ["MSDHA_PORT", "5432,5432", "each port once"],
    ["MSDHA_TARGET_PORT", "65536", PORTS],
    ["MSDHA_READ_MAX_LAG", "16 apples", "a number of bytes such as 512kB or 16MB, or infinity"],
    ["MSDHA_READ_PORT", "5432", "another port than MSDHA_PORT"],
    ["MSDHA_SEND_PROXY", "v3", "no, v1 or v2"],
    [
      "MSDHA_GROUP",
      "a/b",
      "a name of 1 to 253 characters without / or white space, not beginning with _ . or -",
    ],
    [
      "MSDHA_GROUP",
      "d\ufffdb",
      "a name of 1 to 253 characters without / or white space, not beginning with _ . or -",
    ],
    ["MSDHA_HAPROXY", "\u001b[2J", "the name or the path of a program"],
    ["MSDHA_BIND", "localhost", "* or IP addresses with commas between them"],
    ["MSDHA_BIND", "127.0.0.1,", "* or IP addresses with commas between them"],
    ["MSDHA_PARK", "30d", "a length of time such as 90, 15m, 12h, 1d, at most 2073600 s"],
    ["MSDHA_CONNECT_TIMEOUT", "0", "a length of time such as 90, 15m, 12h, 1d, from 0.01 s to 60 s"],
    ["MSDHA_THREADS", "65", "a whole number from 1 to 64"],
    ["MSDHA_RUN_DIR", "run", "an absolute path of at most 70 letters, digits and . _ / -"],
    ["MSDHA_RUN_DIR", "/run/x y", "an absolute path of at most 70 letters, digits and . _ / -"],
    ["MSDHA_LOG_FORMAT", "xml", "one of text, json"],
    ["MSDHA_STATUS_PORT", "5432", "another port than MSDHA_PORT"],
    ["MSDHA_STATUS_BIND", "localhost", "* or an IP address"],
    ["MSDHA_ETCD_LOST", "wait", "park or keep"],
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

const PASSWORD = "hunter2";
const ETCD_VARIABLES = ["ENDPOINTS", "USER", "PASSWORD", "CACERT", "CERT", "KEY"].map(
  (name) => `ETCDCTL_${name}`,
);
const FILE_VARIABLES = [...ETCD_VARIABLES, ...knownVariables].map((name) => `${name}_FILE`);
const key = String(
  generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey.export({ format: "pem", type: "pkcs8" }),
);
const bareKey = key.replaceAll(/-----.*-----\n/g, "");
const keyLine = bareKey.replaceAll("\n", "");
/** The parts of the key that are looked for: every eight characters of it. */
const keyParts = Array.from({ length: keyLine.length - 7 }, (_, at) => keyLine.slice(at, at + 8));

const isHarmless = (line: string): boolean =>
  /^(MSDHA|ETCDCTL)_[A-Z_]+: expected [^\p{Cc}]+$/u.test(line) &&
  !line.includes(PASSWORD) &&
  !keyParts.some((part) => line.includes(part));

const isUsable = ({ group, ports, addresses, runDir, haproxyFile, statusPort }: FrontendConfig): boolean =>
  isName(group) &&
  [...ports.flatMap(({ listen, target }) => [listen, target]), statusPort ?? 1].every(
    (one) => Number.isInteger(one) && one > 0 && one < 65_536,
  ) &&
  addresses.every((address) => isIP(address) !== 0) &&
  /^\/[\w./-]*$/.test(runDir) &&
  !/[\p{Cc}\p{Zl}\p{Zp}]/u.test(haproxyFile);

it("answers any environment with settings or with lines that name the variables, and never with a secret", () => {
  const dir = mkdtempSync(join(tmpdir(), "msdha-config-"));
  const contents = [key, `\n${key}`, bareKey, PASSWORD, "http://u:hunter2@[", `u:${PASSWORD}`, "", "5432\n"];
  const paths = contents.map((content, index) => {
    const path = join(dir, `secret-${index}`);
    writeFileSync(path, content);
    return path;
  });
  const character = fc.oneof(fc.integer({ max: 0xa0, min: 0 }), fc.integer({ max: 0x10_ff_ff, min: 0 }));
  const anything = fc.oneof(
    fc.string({ unit: character.map((code) => String.fromCodePoint(code)) }),
    fc.constantFrom(
      ...[
        "",
        "-1",
        "0",
        "80",
        "5432",
        "1e9",
        "infinity",
        "1m",
        "/",
        "/run/x y",
        "*",
        "::1,127.0.0.1",
        "::1%lo",
      ],
      ...["yes", "json", "$(reboot)", "a\nb", "a\n    bind :80", "\u001b[2J", "\u2028", "\ufffd", "a\ufffdb"],
    ),
  );
  // Secrets that show what they are: they may get into any variable by mistake.
  const secret = fc.constantFrom(
    ...[key, `\n${key}`, `Bag Attributes\n    a: b\n${key}`, bareKey, "http://u:hunter2@[", "u:hunter2@h"],
    ...[
      "http://u:hunter2@h:99999",
      "http://hunter2@h:1 2",
      "http://u:hunter2@h:1",
      "http://a,http://u:hunter2@",
    ],
  );
  // Nobody could tell these from a name.
  const bare = fc.constantFrom(PASSWORD, keyLine, "hunter2://u@h");
  const own = fc.dictionary(
    fc.constantFrom(...knownVariables, "MSDHA_UNKNOWN"),
    fc.oneof({ weight: 4, arbitrary: anything }, secret),
    { maxKeys: 5 },
  );
  const etcd = fc.dictionary(fc.constantFrom(...ETCD_VARIABLES), fc.oneof(anything, secret, bare), {
    maxKeys: 2,
  });
  const files = fc.dictionary(
    fc.constantFrom(...FILE_VARIABLES),
    fc.oneof(secret, bare, fc.constantFrom(...paths, dir, join(dir, "none"))),
    { maxKeys: 2 },
  );
  const counts = { config: 0, error: 0 };
  try {
    fc.assert(
      fc.property(own, etcd, files, (own, etcd, files) => {
        const rest = Object.entries(least).filter(([name]) => !(`${name}_FILE` in files));
        try {
          const { config } = readConfig({ ...Object.fromEntries(rest), ...own, ...etcd, ...files });
          counts.config += 1;
          return isUsable(config);
        } catch (error) {
          counts.error += 1;
          return error instanceof SettingsError && error.message.split("\n").every(isHarmless);
        }
      }),
      { numRuns: 10_000 },
    );
  } finally {
    rmSync(dir, { recursive: true });
  }
  expect(Math.min(counts.config, counts.error)).toBeGreaterThan(200);
});
