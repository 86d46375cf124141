import { type EtcdMember, startEtcd, waitFor } from "@msdha/testkit";
import { expect, test } from "vitest";
import { startClient } from "./support/client.ts";
import { startFrontend } from "./support/frontend.ts";
import { startGroup } from "./support/group.ts";

const password = "s3cret";
const users = [
  ...["db", "db2"].map((name) => ({ name, password, prefix: `/msdha/${name}/` })),
  { name: "reader", password },
];
const endpointFor = (user: string, { endpoint }: EtcdMember): string =>
  endpoint.replace("//", `//${user}:${password}@`);

/** Gives the user `reader` a frontend's role: to read the group, and to register itself. */
async function grantReading(etcd: EtcdMember): Promise<void> {
  await etcd.etcdctl("role", "add", "reader");
  await etcd.etcdctl("role", "grant-permission", "reader", "--prefix=true", "read", "/msdha/db/");
  const own = "/msdha/db/_frontend/";
  await etcd.etcdctl("role", "grant-permission", "reader", "--prefix=true", "readwrite", own);
  await etcd.etcdctl("user", "grant-role", "reader", "reader");
}

/** The roles of docs/etcd-keys.md: backends may read and write below the group's prefix, frontends read and register. */
test("a group works under roles that can reach nothing but its keys", async () => {
  await using etcd = await startEtcd({ auth: { rootPassword: "root", users } });
  await grantReading(etcd);
  const endpoints = endpointFor("db", etcd);
  await using group = await startGroup({ group: "db", ttlSeconds: 4, etcd });
  const place = { dir: group.dir, group: "db", ttlSeconds: 4 };
  await using frontend = await startFrontend({ ...place, endpoints: endpointFor("reader", etcd) });
  const start = (host: number) =>
    group.start(`n${host}`, {
      endpoints,
      hooks: { pre_start: 'msdha-backend claim first "$MSDHA_NAME"; msdha-backend claim --lease on-lease x' },
      listen: { address: `127.0.71.${host}`, port: frontend.port },
    });

  const a = start(1);
  const b = start(2);
  const first = await group.masterAmong([a, b]);
  const [second] = [a, b].filter((node) => node !== first) as [typeof a];
  await group.state(second.name, "ready");
  await using client = startClient(frontend.port);
  await waitFor(() => client.servedBy(first.name), { what: "a visit to the master" });

  first.stop();
  await group.masterAmong([second]);
  expect(first.log()).toMatch(/gave the master lock back.*handedOver.*true/);
  expect(await first.exited()).toBe(0);
  const asked = performance.now();
  await waitFor(() => client.servedBy(second.name, asked), { what: "a visit to the next master" });

  // A killed node comes back and takes its own key over, which takes the right to revoke its former lease.
  await second.child.kill();
  const again = start(Number(second.name.slice(1)));
  await again.logged(/joined the group/);
  await group.masterAmong([again]);
  for (const node of [first, second, again]) expect(node.log()).not.toMatch(/permission denied/);
  expect(frontend.log()).not.toMatch(/permission denied/);
});

test("a group whose rights are revoked has no master, and has one again with them", async () => {
  await using etcd = await startEtcd({ auth: { rootPassword: "root", users } });
  await using group = await startGroup({ group: "db", etcd });
  const endpoints = endpointFor("db", etcd);
  const a = group.start("a", { endpoints, mode: "double-fork", env: { MSDHA_STOP_TIMEOUT: "2" } });
  await group.masterAmong([a]);
  const b = group.start("b", { endpoints });
  await group.state("b", "ready");
  const permission = ["--prefix=true", "/msdha/db/"];
  await etcd.etcdctl("role", "revoke-permission", "db", ...permission);
  expect(await Promise.all([a.exited(), b.exited()])).toEqual([75, 75]);
  for (const node of [a, b])
    expect(node.log()).toMatch(/ending: the lease .* cause="?etcd .*permission denied/);
  expect(group.journal.of("b", "master")).toEqual([]);
  const [prefix, key] = permission as [string, string];
  await etcd.etcdctl("role", "grant-permission", "db", prefix, "readwrite", key);
  await group.masterAmong([group.start("c", { endpoints })]);
});

test("a frontend that may only read works, and says that stopping masters do not wait for it", async () => {
  await using etcd = await startEtcd({ auth: { rootPassword: "root", users } });
  await etcd.etcdctl("role", "add", "reader");
  await etcd.etcdctl("role", "grant-permission", "reader", "--prefix=true", "read", "/msdha/db/");
  await etcd.etcdctl("user", "grant-role", "reader", "reader");
  await using group = await startGroup({ group: "db", ttlSeconds: 4, etcd });
  const place = { dir: group.dir, group: "db", ttlSeconds: 4 };
  await using frontend = await startFrontend({ ...place, endpoints: endpointFor("reader", etcd) });
  const a = group.start("n1", {
    endpoints: endpointFor("db", etcd),
    listen: { address: "127.0.72.1", port: frontend.port },
  });
  await group.masterAmong([a]);
  await using client = startClient(frontend.port);
  await waitFor(() => client.servedBy(a.name), { what: "a visit to the master" });
  await waitFor(() => /may not register the frontend.*permission denied/.test(frontend.log()), {
    what: "the line about it",
  });
});

const beyond = [
  "/msdha/db2/x",
  "/msdha/db2/_lock",
  "/msdha/dbx",
  "/msdha/db",
  "/msdha/d",
  "/msdha/",
  "/other",
];

test("a group's role reaches no key beside its own, nor all at a time; a frontend's writes none", async () => {
  await using etcd = await startEtcd({ auth: { rootPassword: "root", users } });
  await grantReading(etcd);
  await etcd.etcdctl("put", "/msdha/db/x", "ours");
  await etcd.etcdctl("put", "/msdha/db2/x", "theirs");
  const as = (user: string, ...args: readonly string[]): Promise<string> =>
    etcd.etcdctl("--user", `${user}:${password}`, ...args);

  expect(await as("db", "get", "/msdha/db/x")).toContain("ours");
  await as("db", "put", "/msdha/db/x", "ours again");
  expect(await as("reader", "get", "--prefix", "/msdha/db/")).toContain("ours again");

  const wholes = ["", "/msdha", "/msdha/", "/msdha/d", "/msdha/db"].map((prefix) => ["--prefix", prefix]);
  const denied = [
    ...beyond.flatMap((key) => [
      ["db", "get", key],
      ["db", "put", key, "x"],
      ["db", "del", key],
      ["reader", "get", key],
    ]),
    ...wholes.flatMap((range) => [
      ["db", "get", ...range],
      ["db", "del", ...range],
      ["reader", "get", ...range],
    ]),
    ...["put", "del"].map((write) => ["reader", write, "/msdha/db/x", ...(write === "put" ? ["x"] : [])]),
    ["db", "user", "add", "mallory:pw"],
    ["db", "role", "grant-permission", "db", "readwrite", "/msdha/db2/x"],
    ["db", "auth", "disable"],
  ];
  for (const [user = "", ...args] of denied) {
    await expect(as(user, ...args), `${user}: ${args.join(" ")}`).rejects.toThrow(/permission denied/);
  }
  expect(await etcd.etcdctl("get", "/msdha/db2/x")).toContain("theirs");
});

/** Carries out a transaction within a transaction as this user, by etcd's HTTP gateway. */
async function nested(etcd: EtcdMember, user: string, operations: readonly object[]): Promise<string> {
  const post = async (path: string, body: object, headers = {}): Promise<Record<string, unknown>> => {
    const request = { method: "POST", headers, body: JSON.stringify(body) };
    return (await (await fetch(`${etcd.endpoint}/v3/${path}`, request)).json()) as Record<string, unknown>;
  };
  const { token } = await post("auth/authenticate", { name: user, password });
  const outer = { success: [{ request_txn: { success: operations } }] };
  const answer = await post("kv/txn", outer, { authorization: String(token) });
  return JSON.stringify(answer);
}

const base64 = (text: string): string => Buffer.from(text).toString("base64");

/** Whether roles hold in this version: from 3.4.42, 3.5.28 and 3.6.9 on (CVE-2026-33343). */
function rolesHold(version: string): boolean {
  const [major = 0, minor = 0, patch = 0] = version.split(".").map(Number);
  const mended: Record<number, number> = { 4: 42, 5: 28, 6: 9 };
  return major === 3 && minor >= 4 && patch >= (mended[minor] ?? 0);
}

test("a nested transaction is held to its user's role where etcd is new enough; elsewhere a node says so", async () => {
  await using etcd = await startEtcd({ auth: { rootPassword: "root", users } });
  await etcd.etcdctl("put", "/msdha/db/_value/x", "theirs");
  const [member] = JSON.parse(await etcd.etcdctl("endpoint", "status", "-w", "json"));
  const isOld = !rolesHold(member.Status.version);
  const answer = await nested(etcd, "db2", [
    { request_put: { key: base64("/msdha/db/_handover"), value: base64("{}") } },
    { request_range: { key: base64("/msdha/db/_value/x") } },
  ]);
  if (isOld) expect(answer).toContain(base64("theirs"));
  else expect(answer).toMatch(/permission denied/);
  const written = await etcd.etcdctl("get", "/msdha/db/_handover", "--print-value-only");
  expect(written).toBe(isOld ? "{}\n" : "");

  await using group = await startGroup({ group: "db2", etcd });
  const node = group.start("a", { endpoints: endpointFor("db2", etcd) });
  await node.logged(/joined the group/);
  const warnings = node.log().match(/WARN .*CVE-2026-33343/g) ?? [];
  expect(warnings).toHaveLength(isOld ? 1 : 0);
  if (!isOld) return;
  const careful = group.start("b", {
    endpoints: endpointFor("db2", etcd),
    env: { MSDHA_ETCD_OLD: "refuse" },
  });
  expect(await careful.exited()).toBe(78);
  expect(careful.log().trim().split("\n").at(-1)).toMatch(
    /ERROR .*etcd 3\S+ has known faults.*expected 3\.4\.42/,
  );
});

test("a node whose user may not read the group's keys ends with 77 and says so", async () => {
  await using etcd = await startEtcd({ auth: { rootPassword: "root", users } });
  await using group = await startGroup({ group: "db", etcd });
  const node = group.start("a", { endpoints: endpointFor("db2", etcd) });
  expect(await node.exited()).toBe(77);
  expect(node.log()).toMatch(/permission denied/);
  expect(node.log()).not.toContain(password);
});
