import { isAddress, isName } from "@msdha/group";
import { allVariables, SettingsError } from "@msdha/settings";
import fc from "fast-check";
import { expect, test } from "vitest";
import { knownVariables, readConfig } from "./config.ts";

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
    hooksEtcdctl: false,
    nodeStateChangeFailure: "log",
    etcdTimeoutMs: 30_000,
  });
  expect(log).toEqual({ level: "info", format: "text" });
});

test("is called as its host unless it is told another name, in either spelling", () => {
  const { MSDHA_NAME: _, ...nameless } = least;
  expect(readConfig(nameless).config.name).not.toBe("");
  expect(readConfig({ ...nameless, MSHDA_NAME: "old" }).config.name).toBe("old");
});

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

test("answers any environment with settings or with lines that name the variables, and never with a password", () => {
  const anything = fc.oneof(
    fc.string({ unit: "binary" }),
    fc.constantFrom(
      "",
      "-1",
      "1e9",
      "infinity",
      "/",
      "/etc/passwd",
      "SIGKILL",
      "$(reboot)",
      "a\nb",
      "\u001b[2J",
    ),
  );
  const url = fc.constantFrom(
    "http://u:hunter2@[",
    "http://u:hunter2@h:99999",
    "u:hunter2@h",
    "http://hunter2@h:1 2",
  );
  const environments = fc.tuple(
    fc.dictionary(fc.constantFrom(...knownVariables, "MSDHA_UNKNOWN"), anything, { maxKeys: 6 }),
    fc.dictionary(fc.constantFrom("ETCDCTL_ENDPOINTS", "ETCDCTL_USER"), fc.oneof(anything, url), {
      maxKeys: 2,
    }),
  );
  const isHarmless = (line: string): boolean =>
    /^(MSDHA|ETCDCTL)_[A-Z_]+: expected [^\p{Cc}]+$/u.test(line) && !line.includes("hunter2");
  fc.assert(
    fc.property(environments, ([own, etcd]) => {
      try {
        const { config } = readConfig({ ...least, ETCDCTL_PASSWORD: "hunter2", ...own, ...etcd });
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
