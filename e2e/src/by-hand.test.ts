import { waitFor } from "@msdha/testkit";
import { describe, expect, test } from "vitest";
import { startGroup } from "./support/group.ts";

const key = (name: string): string => `/msdha/db/${name}`;

/** What docs/etcd-keys.md says of keys that somebody deletes or writes; faults.test.ts has what ends a master. */
describe.concurrent("when somebody with etcdctl", () => {
  test("deletes a slave's key, that node ends and no other", async () => {
    await using group = await startGroup();
    const nodes = ["a", "b"].map((name) => group.start(name));
    const master = await group.masterAmong(nodes);
    const [slave] = nodes.filter((node) => node !== master) as [typeof master];
    await group.state(slave.name, "ready");
    await group.etcd.etcdctl("del", key(slave.name));
    expect(await slave.exited()).toBe(75);
    expect(await group.master()).toBe(master.name);
  });

  test("deletes what nothing rests on, the master stays", async () => {
    await using group = await startGroup();
    const node = group.start("a");
    await group.masterAmong([node]);
    for (const name of ["_node/a", "_ttl"]) await group.etcd.etcdctl("del", key(name));
    const other = group.start("b");
    await group.state("b", "ready");
    expect(await group.master()).toBe("a");
    node.stop();
    await group.masterAmong([other]);
  });

  test("puts a lock on no lease, nobody is master until it is deleted", async () => {
    await using group = await startGroup();
    await group.etcd.etcdctl("put", key("_lock"), "maintenance");
    const node = group.start("a");
    await group.state("a", "ready");
    expect(Object.values(await group.keys())).not.toContain("master");
    await group.etcd.etcdctl("del", key("_lock"));
    await group.masterAmong([node]);
  });

  test("puts a lock over one that is held, its holder ends and nobody follows until it is deleted", async () => {
    await using group = await startGroup();
    const node = group.start("a");
    await group.masterAmong([node]);
    await group.etcd.etcdctl("put", key("_lock"), "maintenance");
    expect(await node.exited()).toBe(75);
    const again = group.start("a");
    await group.state("a", "ready");
    expect((await group.keys())["_lock"]).toBe("maintenance");
    await group.etcd.etcdctl("del", key("_lock"));
    await waitFor(() => group.master(), { what: "a master" });
    await group.masterAmong([again]);
  });

  test("deletes everything of a group, its nodes end", async () => {
    await using group = await startGroup();
    const nodes = ["a", "b"].map((name) => group.start(name));
    await group.masterAmong(nodes);
    for (const { name } of nodes) await waitFor(async () => name in (await group.keys()), { what: name });
    await group.etcd.etcdctl("del", "--prefix", key(""));
    expect(await Promise.all(nodes.map((node) => node.exited()))).toEqual([75, 75]);
    expect(await group.keys()).toEqual({});
  });
});
