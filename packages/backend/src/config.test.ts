import { generateKeyPairSync } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { allVariables, groupName, nodeName } from "@msdha/app";
import { isAddress, isName } from "@msdha/group";
import { SettingsError } from "@msdha/settings";
import fc from "fast-check";
import { afterAll, expect, test } from "vitest";
import { knownVariables, readConfig } from "./config.ts";

const dir = mkdtempSync(join(tmpdir(), "msdha-config-"));
afterAll(() => rmSync(dir, { recursive: true }));

const least = { ETCDCTL_ENDPOINTS: "http://127.0.0.1:2379", MSDHA_GROUP: "db", MSDHA_NAME: "a" };

test("needs etcd's address and a group, and has a default for everything else", () => {
  const { config, log } = readConfig(least);
  expect(config).toMatchObject({
    group: "db",
    name: "a",
    address: "a",
    ttlSeconds: 10,
    masterTtlMs: 86_400_000,
    hooksDir: "/etc/msdha/hooks",
    runDir: "/run/msdha",
    stopSignal: "SIGTERM",
    stopTimeoutMs: 8_000,
    hookTimeoutMs: Number.POSITIVE_INFINITY,
    candidateTimeoutMs: 5_000,
    hooksEtcdctl: false,
    nodeStateChangeFailure: "log",
    etcdTimeoutMs: 30_000,
    etcdOld: "warn",
  });
  expect(log).toEqual({ level: "info", format: "text" });
});

test("is called as its host unless it is told another name, in either spelling", () => {
  const { MSDHA_NAME: _, ...nameless } = least;
  expect(readConfig(nameless).config.name).not.toBe("");
  expect(readConfig({ ...nameless, MSHDA_NAME: "old" }).config.name).toBe("old");
});

test.each(["_lock", "a b", ""])("asks for a name where no node can be called as its host: '%s'", (host) => {
  const { MSDHA_NAME: _, ...nameless } = least;
  expect(() => readConfig(nameless, { host })).toThrow(
    /^MSDHA_NAME: expected a name of 1 to 253 characters .*the host's name/m,
  );
  expect(readConfig(least, { host }).config.name).toBe("a");
});

test.each(["fe80::1%eth0", "0.0.0.0", "::", "ff02::1", "224.0.0.1", "255.255.255.255", "a b"])(
  "refuses an address that no frontend could connect to: %s",
  (address) => {
    expect(() => readConfig({ ...least, MSDHA_ADDRESS: address })).toThrow(
      /^MSDHA_ADDRESS: expected a host name, or an IP address of one host, without a zone/m,
    );
  },
);

test("takes a stop signal with or without SIG, and the frontend's variables without looking at them", () => {
  const { config } = readConfig({
    ...least,
    MSDHA_STOP_SIGNAL: "INT",
    MSDHA_PORT: "no port",
    MSDHA_X_OWN: "1",
  });
  expect(config.stopSignal).toBe("SIGINT");
});

test("reports what is wrong with etcd's variables and with its own together", () => {
  expect(() => readConfig({ ...least, ETCDCTL_ENDPOINTS: "", MSDHA_TTL: "x" })).toThrow(
    /MSDHA_TTL: expected[^\n]*\nETCDCTL_ENDPOINTS: expected/,
  );
});

test("is known to the other app by every one of its variables", () => {
  expect(allVariables).toEqual(expect.arrayContaining([...knownVariables]));
});

test("names the variable when bytes that are no UTF-8 are in a name", () => {
  expect(() => readConfig({ ...least, MSDHA_GROUP: "d\ufffdb" })).toThrow(
    /^MSDHA_GROUP: expected a name [^\n]*$/,
  );
});

const character = fc.integer({ min: 0, max: 0x10_ff_ff }).map((code) => String.fromCodePoint(code));
const control = fc.integer({ min: 0, max: 0xa0 }).map((code) => String.fromCodePoint(code));

test("takes those names that can be part of a key, and no others", () => {
  const unit = fc.oneof(
    fc.constantFrom("\ufffd", "\ufffc", "\u2028", "\u00ad", "\ud800", "\ue000", "/", " ", "_", ".", "-"),
    control,
    character,
    fc.string({ unit: "grapheme", minLength: 1, maxLength: 1 }),
  );
  const text = fc.string({ unit, maxLength: 6 });
  const long = fc.integer({ min: 250, max: 256 }).map((length) => "x".repeat(length));
  fc.assert(
    fc.property(fc.oneof({ weight: 9, arbitrary: text }, long), (name) =>
      [groupName(), nodeName()].every((type) => type.safeParse(name).success === isName(name)),
    ),
    { numRuns: 10_000 },
  );
});

const ETCD_VARIABLES = ["ENDPOINTS", "USER", "PASSWORD", "CACERT", "CERT", "KEY"].map(
  (name) => `ETCDCTL_${name}`,
);
const FILE_VARIABLES = [...ETCD_VARIABLES, ...knownVariables].map((name) => `${name}_FILE`);
const PASSWORD = "hunter2";
const key = generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey.export({
  format: "pem",
  type: "pkcs8",
});
const bareKey = String(key).replaceAll(/-----.*-----\n/g, "");
const keyLine = bareKey.replaceAll("\n", "");
/** The parts of the key that are looked for: every eight characters of it. */
const keyParts = Array.from({ length: keyLine.length - 7 }, (_, at) => keyLine.slice(at, at + 8));

const isHarmless = (line: string): boolean =>
  /^(MSDHA|ETCDCTL)_[A-Z_]+: expected [^\p{Cc}]+$/u.test(line) &&
  !line.includes(PASSWORD) &&
  !keyParts.some((part) => line.includes(part));

/** What is no value of most variables, with nothing secret in it. */
const anything = fc.oneof(
  fc.string({ unit: fc.oneof(control, character) }),
  fc.constantFrom(
    ...["", "-1", "1e9", "infinity", "/", "/etc/passwd", "SIGKILL", "$(reboot)", "a\nb"],
    ...["\u001b[2J", "\ufffd", "a\ufffdb"],
  ),
);

/** Secrets that nobody would take for anything else, as they may get into any variable by mistake. */
const keyText = fc.constantFrom(`${key}`, `\n${key}`, `Bag Attributes\n    a: b\n${key}`, bareKey);
const url = fc.constantFrom(
  ...["http://u:hunter2@[", "http://u:hunter2@h:99999", "u:hunter2@h", "http://hunter2@h:1 2"],
  ...["http://u:hunter2@h:1", "hunter2://u@h", "http://a,http://u:hunter2@"],
);

/** Files with a secret in them, and what is taken for their path. */
function secretFile(): fc.Arbitrary<string> {
  const contents = [`${key}`, `\n${key}`, bareKey, PASSWORD, "http://u:hunter2@[", `u:${PASSWORD}`, ""];
  const paths = contents.map((content, index) => {
    const path = join(dir, `secret-${index}`);
    writeFileSync(path, content);
    return path;
  });
  return fc.constantFrom(...paths, dir, join(dir, "none"));
}

test("answers any environment with settings or with lines that name the variables, and never with a secret", () => {
  const secret = fc.oneof(keyText, url, fc.constantFrom(PASSWORD, keyLine, `/${PASSWORD}@h`));
  const own = fc.dictionary(
    fc.constantFrom(...knownVariables, "MSDHA_UNKNOWN"),
    fc.oneof({ weight: 4, arbitrary: anything }, keyText, url),
    { maxKeys: 5 },
  );
  const etcd = fc.dictionary(fc.constantFrom(...ETCD_VARIABLES), fc.oneof(anything, secret), { maxKeys: 3 });
  const files = fc.dictionary(fc.constantFrom(...FILE_VARIABLES), fc.oneof(secret, secretFile()), {
    maxKeys: 4,
  });
  fc.assert(
    fc.property(own, etcd, files, (own, etcd, files) => {
      const usual = Object.entries({ ...least, ETCDCTL_PASSWORD: PASSWORD });
      const rest = Object.fromEntries(usual.filter(([name]) => !(`${name}_FILE` in files)));
      try {
        const { config } = readConfig({ ...rest, ...own, ...etcd, ...files });
        const { group, name, address, runDir } = config;
        return (
          isName(group) && isName(name) && (isAddress(address) || address === name) && runDir.startsWith("/")
        );
      } catch (error) {
        return error instanceof SettingsError && error.message.split("\n").every(isHarmless);
      }
    }),
    { numRuns: 10_000 },
  );
});
