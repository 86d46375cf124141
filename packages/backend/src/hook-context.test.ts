import { createGroupView } from "@msdha/group";
import { expect, test } from "vitest";
import { readConfig } from "./config.ts";
import { baseEnvironment, hookEnvironment } from "./hook-context.ts";

const environment = {
  ETCDCTL_ENDPOINTS: "http://u:secret@127.0.0.1:2379",
  ETCDCTL_PASSWORD_FILE: "/run/secrets/etcd",
  MSDHA_GROUP: "db",
  MSDHA_NAME: "a",
  PATH: "/bin",
  PGDATA: "/data",
};

test("gives hooks the node's environment without etcd's address and secrets, and the command on the PATH", () => {
  const base = baseEnvironment(
    environment,
    readConfig({ ...environment, ETCDCTL_PASSWORD_FILE: "" }).config,
    {
      commandDir: "/opt/bin",
    },
  );
  expect(base).toMatchObject({ PGDATA: "/data", PATH: "/opt/bin:/bin", MSDHA_NAME: "a", MSDHA_ADDRESS: "a" });
  expect(Object.keys(base).filter((name) => name.startsWith("ETCDCTL_"))).toEqual([]);
});

test("gives a hook by its value what was given by a file, and not by both", () => {
  const byFile = {
    ...environment,
    MSDHA_GROUP: "",
    MSDHA_GROUP_FILE: "/run/secrets/group",
    MSDHA_X_FILE: "/x",
  };
  const { config } = readConfig({ ...environment, ETCDCTL_PASSWORD_FILE: "" });
  const base = baseEnvironment(byFile, config, { commandDir: "/opt/bin" });
  expect(base).toMatchObject({ MSDHA_GROUP: "db", MSDHA_X_FILE: "/x" });
  expect(base).not.toHaveProperty("MSDHA_GROUP_FILE");
});

test("leaves etcd's variables to hooks that are to have them", () => {
  const wished = { ...environment, ETCDCTL_PASSWORD_FILE: "", MSDHA_HOOKS_ETCDCTL: "yes" };
  const base = baseEnvironment(wished, readConfig(wished).config, { commandDir: "/opt/bin" });
  expect(base).toMatchObject({ ETCDCTL_ENDPOINTS: environment.ETCDCTL_ENDPOINTS });
});

test("tells a hook its state, and the fencing token only where there is one", () => {
  const env = hookEnvironment({}, { hook: "ready", state: "ready", view: createGroupView("db") });
  expect(env).toEqual({
    MSDHA_HOOK: "ready",
    MSDHA_STATE: "ready",
    MSDHA_MASTER: "",
    MSDHA_MASTER_ADDRESS: "",
  });
  const master = { hook: "master" as const, state: "master", view: createGroupView("db"), fencingToken: 12 };
  expect(hookEnvironment({}, master)).toMatchObject({ MSDHA_FENCING_TOKEN: "12" });
});
