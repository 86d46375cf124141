import { type EtcdMember, startEtcd } from "@msdha/testkit";
import { expect, test } from "vitest";
import { startGroup } from "./support/group.ts";
import { type MsdhaRun, runMsdha } from "./support/msdha.ts";

const password = "s3cret";
const users = [
  { name: "db", password, prefix: "/msdha/db/" },
  { name: "viewer", password },
  { name: "operator", password },
];

/** The roles of docs/etcd-keys.md for people. */
async function grantRoles(etcd: EtcdMember): Promise<void> {
  for (const name of ["viewer", "operator"]) {
    await etcd.etcdctl("role", "add", name);
    await etcd.etcdctl("role", "grant-permission", name, "--prefix=true", "read", "/msdha/db/");
    await etcd.etcdctl("user", "grant-role", name, name);
  }
  await etcd.etcdctl("role", "grant-permission", "operator", "--prefix=true", "readwrite", "/msdha/db/_ask/");
}

test("a viewer sees everything and asks for nothing; an operator asks, and writes nothing else", async () => {
  await using etcd = await startEtcd({ auth: { rootPassword: "root", users } });
  await grantRoles(etcd);
  const endpointOf = (user: string): string => etcd.endpoint.replace("//", `//${user}:${password}@`);
  const as = (user: string, ...args: readonly string[]): Promise<MsdhaRun> =>
    runMsdha({ endpoint: endpointOf(user), group: "db" }, ...args);
  await using group = await startGroup({ group: "db", ttlSeconds: 3, etcd });
  const endpoints = endpointOf("db");
  const nodes = ["n1", "n2"].map((name) => group.start(name, { endpoints }));
  const master = await group.masterAmong(nodes);
  const [other] = nodes.filter((node) => node !== master) as [typeof master];
  await group.state(other.name, "ready");

  expect((await as("viewer")).out).toMatch(new RegExp(`master ${master.name}`));
  expect((await as("viewer", "history")).code).toBe(0);
  for (const args of [["pause"], ["hold", other.name], ["switchover", other.name, "--yes"]]) {
    const run = await as("viewer", ...args);
    expect(run).toMatchObject({ code: 77, err: expect.stringMatching(/etcd refuses this user/) });
    expect(run.err.trim().split("\n")).toHaveLength(1);
  }
  expect(Object.keys(await group.keys()).filter((key) => key.startsWith("_ask/"))).toEqual([]);

  expect((await as("operator", "pause", "--for", "1h")).code).toBe(0);
  expect((await as("operator", "resume")).code).toBe(0);
  expect((await as("operator", "switchover", other.name, "--yes")).code).toBe(0);
  expect(await group.master()).toBe(other.name);
  for (const key of ["_lock", "_handover", "_ttl", other.name, "_history/1"]) {
    const put = etcd.etcdctl("--user", `operator:${password}`, "put", `/msdha/db/${key}`, "x");
    await expect(put).rejects.toThrow(/permission denied/);
  }
});
