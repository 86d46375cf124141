import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type EtcdMember, getFreePort, startEtcd, tempDir, waitFor } from "@msdha/testkit";
import { describe, expect, test } from "vitest";
import { runMsdha } from "./support/msdha.ts";

interface Found {
  readonly level: string;
  readonly what: string;
  readonly todo?: string;
}

/** Runs the doctor, and returns what it has found with its exit code. */
async function examine(
  endpoint: string,
  env: Readonly<Record<string, string>> = {},
): Promise<{ readonly code: number; readonly findings: readonly Found[] }> {
  const { code, out, err } = await runMsdha({ endpoint, group: "db", env }, "doctor", "--json");
  if (out === "") throw new Error(err);
  const { findings } = JSON.parse(out) as { readonly findings: readonly Found[] };
  return { code, findings };
}

/** Expects a finding of this level. */
function expectFound(findings: readonly Found[], level: string, what: RegExp): void {
  const lines = findings.map((found) => `${found.level}: ${found.what}`);
  expect(lines).toContainEqual(expect.stringMatching(new RegExp(`^${level}: .*${what.source}`)));
}

describe.concurrent("the doctor looks at the real thing, and says", () => {
  test("what a user of etcd may not do, and what it may do and should not", async () => {
    const password = "s3cret";
    const users = ["viewer", "nosy", "outsider"].map((name) => ({ name, password }));
    await using etcd = await startEtcd({ auth: { rootPassword: "root", users } });
    await allow(etcd, "viewer", "read", "/msdha/db/");
    await allow(etcd, "nosy", "readwrite", "/msdha/");
    await allow(etcd, "outsider", "readwrite", "/msdha/other/");
    const as = (user: string): ReturnType<typeof examine> =>
      examine(etcd.endpoint.replace("//", `//${user}:${password}@`));
    const [viewer, nosy, outsider] = await Promise.all([as("viewer"), as("nosy"), as("outsider")]);
    expectFound(viewer.findings, "ok", /user viewer may only look: it is a viewer/);
    expectFound(viewer.findings, "ok", /user viewer may not read other groups/);
    expectFound(nosy.findings, "ok", /user nosy may write the group's keys/);
    expectFound(nosy.findings, "warning", /user nosy may read other groups/);
    expectFound(outsider.findings, "error", /user outsider may not read group db/);
    expect([viewer, nosy, outsider].map(({ code }) => code)).toEqual([3, 3, 3]);
  });

  test("when etcd's certificate ends", async () => {
    await using etcd = await startEtcd({ tls: true });
    const { caCert = "", clientCert = "", clientKey = "" } = etcd.tls ?? {};
    const { findings } = await examine(etcd.endpoint, {
      ETCDCTL_CACERT: caCert,
      ETCDCTL_CERT: clientCert,
      ETCDCTL_KEY: clientKey,
    });
    expectFound(findings, "warning", /its certificate ends in [12] days/);
  });

  test("that etcd is full", async () => {
    await using etcd = await startEtcd({ extraArgs: ["--quota-backend-bytes=4194304"] });
    const large = "x".repeat(100_000);
    const isFull = (): Promise<boolean> =>
      etcd.etcdctl("put", `/fill/${Math.random()}`, large).then(
        () => false,
        (error) => /no space|exceeded/.test(String(error)),
      );
    await waitFor(isFull, { what: "an etcd that takes no writes", intervalMs: 1, timeoutMs: 60_000 });
    await waitFor(async () => (await etcd.etcdctl("alarm", "list")).includes("NOSPACE"), {
      what: "the alarm",
    });
    const { code, findings } = await examine(etcd.endpoint);
    expectFound(findings, "error", /not healthy: ALARM/);
    expect(code).toBe(3);
  });

  test("which endpoint does not answer", async () => {
    await using etcd = await startEtcd();
    const nowhere = `http://127.0.0.1:${await getFreePort()}`;
    const { findings } = await examine(`${etcd.endpoint},${nowhere}`);
    expectFound(findings, "error", new RegExp(`${nowhere} does not answer`));
    expectFound(findings, "ok", new RegExp(`${etcd.endpoint}: a read by quorum takes`));
    expectFound(findings, "error", /no node has joined this group/);
  });

  test("which hook can't be run, and that connections wait for too short a time", async () => {
    await using etcd = await startEtcd();
    await using folder = tempDir();
    const hooks = join(folder.path, "hooks");
    mkdirSync(hooks);
    writeFileSync(join(hooks, "start"), "#!/bin/sh\n", { mode: 0o755 });
    writeFileSync(join(hooks, "master"), "#!/bin/sh\n", { mode: 0o644 });
    const { findings } = await examine(etcd.endpoint, { MSDHA_HOOKS_DIR: hooks, MSDHA_PARK: "5" });
    expectFound(findings, "error", /hook master can't be run: it is not executable \(chmod \+x\)/);
    expectFound(findings, "warning", /MSDHA_PARK is 5 s, three TTLs are 30 s/);
  });

  test("which variable has a value that is none, and goes on", async () => {
    await using etcd = await startEtcd();
    const park = (value: string): ReturnType<typeof examine> => examine(etcd.endpoint, { MSDHA_PARK: value });
    const all = await Promise.all([park("0"), park("soon"), park("0.5"), park("900d"), park("")]);
    for (const { findings } of all) {
      expectFound(findings, "ok", /a read by quorum takes/);
      expectFound(findings, "error", /no node has joined this group/);
    }
    const [zero, soon, , long] = all;
    expectFound(zero?.findings ?? [], "ok", /MSDHA_PARK is 0: without a master, connections are closed/);
    expectFound(soon?.findings ?? [], "error", /MSDHA_PARK: expected a length of time.*, got "soon"/);
    expectFound(long?.findings ?? [], "error", /MSDHA_PARK: expected a length of time/);
    const more = await examine(etcd.endpoint, {
      MSDHA_HOOKS_DIR: "/etc/passwd",
      MSDHA_PARK_FILE: "/nowhere",
    });
    expectFound(more.findings, "error", /the hooks in \/etc\/passwd can't be read: ENOTDIR/);
    expectFound(more.findings, "error", /MSDHA_PARK: .*MSDHA_PARK_FILE \(ENOENT\)/);
    const none = await examine("ftp://x", { MSDHA_GROUP: "a b", MSDHA_PARK: "5" });
    expectFound(none.findings, "error", /MSDHA_GROUP: expected a name/);
    expectFound(none.findings, "error", /ETCDCTL_ENDPOINTS: expected/);
    expectFound(none.findings, "warning", /MSDHA_PARK is 5 s/);
    expect(none.code).toBe(3);
  });
});

test("says how to look at a compose file where docker has no compose", async () => {
  await using folder = tempDir();
  for (const name of ["readlink", "sh"]) symlinkSync(`/usr/bin/${name}`, join(folder.path, name));
  const docker = join(folder.path, "docker");
  writeFileSync(
    docker,
    '#!/bin/sh\necho "unknown flag: $2" >&2\necho "Run \'docker --help\'" >&2\nexit 125\n',
  );
  chmodSync(docker, 0o755);
  const place = {
    endpoint: "http://127.0.0.1:1",
    group: "db",
    env: { PATH: folder.path, MSDHA_NODE: process.execPath },
  };
  const { code, out, err } = await runMsdha(place, "doctor", "--compose", "compose.yaml");
  expect({ code, out }).toEqual({ code: 1, out: "" });
  expect(err).toMatch(/"compose.yaml": docker has no compose here; pipe .* `msdha doctor --compose -`\n$/);
});

test("says how to look at a compose file where there is no docker", async () => {
  await using folder = tempDir();
  symlinkSync("/usr/bin/readlink", join(folder.path, "readlink"));
  const env = { PATH: folder.path, MSDHA_NODE: process.execPath };
  const place = { endpoint: "http://127.0.0.1:1", group: "db", env };
  const { code, out, err } = await runMsdha(place, "doctor", "--compose", "compose.yaml");
  expect({ code, out }).toEqual({ code: 1, out: "" });
  expect(err).toMatch(
    /^msdha: .*"compose.yaml": docker is not here; pipe .* into `msdha doctor --compose -`\n$/,
  );
});

async function allow(etcd: EtcdMember, name: string, right: string, prefix: string): Promise<void> {
  await etcd.etcdctl("role", "add", name);
  await etcd.etcdctl("role", "grant-permission", name, "--prefix=true", right, prefix);
  await etcd.etcdctl("user", "grant-role", name, name);
}
