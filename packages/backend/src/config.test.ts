import { allVariables } from "@msdha/settings";
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
