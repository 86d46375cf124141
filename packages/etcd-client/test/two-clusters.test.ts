import { join } from "node:path";
import {
  type EtcdMember,
  getFreePorts,
  startEtcd,
  startEtcdMember,
  startTcpProxy,
  tempDir,
  waitFor,
} from "@msdha/testkit";
import { describe, expect, test } from "vitest";
import { connectEtcd, type EtcdClusterError, EtcdUnavailableError } from "../src/index.ts";
import { collect, settingsFor } from "./support.ts";

const limit = { timeoutMs: 3_000 };
const key = { key: "k" };

/** Starts two etcds that were set up alike, as two Compose projects do with one file: all their ids are the same. */
async function startTwins(): Promise<AsyncDisposable & { readonly twins: readonly EtcdMember[] }> {
  const folder = tempDir();
  const ports = (await getFreePorts(5)) as [number, number, number, number, number];
  const [advertised] = ports;
  const twins = [1, 2].map((each) =>
    startEtcdMember({
      name: "etcd",
      folder: join(folder.path, String(each)),
      clientPort: ports[each] as number,
      peerPort: ports[each + 2] as number,
      advertisedPeerPort: advertised,
      initialCluster: `etcd=http://127.0.0.1:${advertised}`,
      tls: undefined,
      extraArgs: [],
      heartbeatMs: undefined,
      electionMs: undefined,
    }),
  );
  await Promise.all(twins.map((twin) => twin.ready()));
  return {
    twins,
    async [Symbol.asyncDispose]() {
      for (const twin of twins) await twin[Symbol.asyncDispose]();
      await folder[Symbol.asyncDispose]();
    },
  };
}

const addressOf = ({ clientPort }: EtcdMember): string => `127.0.0.1:${clientPort}`;

describe("endpoints of two clusters", () => {
  test("are refused at the start, in whatever order, by an error that names both and their ids", async () => {
    await using one = await startEtcd();
    await using two = await startEtcd();
    for (const order of [
      [one, two],
      [two, one],
    ]) {
      await using etcd = connectEtcd(settingsFor(...order.map(addressOf)));
      await etcd.range(key, limit);
      const error: EtcdClusterError = await etcd.inspect(limit).then(
        () => expect.unreachable(),
        (reason: unknown) => reason as EtcdClusterError,
      );
      expect(error.code).toBe("ERR_ETCD_CLUSTER");
      expect([error.first.endpoint, error.other.endpoint]).toEqual(order.map(addressOf));
      expect(error.message).toMatch(
        /^etcd at \S+ and etcd at \S+ are of two clusters \([0-9a-f]+ and [0-9a-f]+\)/,
      );
    }
  });

  test("that have the same ids, as they were set up alike, are told apart by what they hold", async () => {
    await using started = await startTwins();
    await using etcd = connectEtcd(settingsFor(...started.twins.map(addressOf)));
    await expect(etcd.inspect(limit)).rejects.toThrow(/are of two clusters with one id \([0-9a-f]+\)/);
  });

  test("are no more than one when the other comes later: it is left out, with its watches, and told once", async () => {
    await using one = await startEtcd();
    await using two = await startEtcd();
    await using proxy = await startTcpProxy(two.clientPort);
    await proxy.setMode("refuse");
    const foreign: string[] = [];
    await using etcd = connectEtcd(settingsFor(proxy.address, addressOf(one)), {
      onForeign: ({ other }) => foreign.push(other.endpoint),
    });
    expect(await etcd.inspect(limit)).toMatchObject([{ endpoint: addressOf(one) }]);
    await one.etcdctl("put", "k", "one");
    await two.etcdctl("put", "k", "two");
    await proxy.setMode("pass");
    await one.kill();
    await expect(etcd.range(key, { timeoutMs: 1_000 })).rejects.toThrow(EtcdUnavailableError);
    const write = { compare: [], success: [{ type: "put", key: "k", value: "ours" }], failure: [] } as const;
    await expect(etcd.txn(write, { timeoutMs: 1_000 })).rejects.toThrow(/are of two clusters/);
    await expect(etcd.leaseGrant(5, { timeoutMs: 1_000 })).rejects.toThrow(EtcdUnavailableError);
    const watch = collect(etcd.watch(key, { signal: AbortSignal.timeout(2_000) }));
    expect(await watch.ended).toBeInstanceOf(EtcdUnavailableError);
    expect(foreign).toEqual([proxy.address]);
    expect(await two.etcdctl("get", "k", "--print-value-only")).toBe("two\n");
    await one.restart();
    await one.ready();
    expect((await etcd.range(key, limit)).kvs).toMatchObject([{ value: "one" }]);
  });
});

test("a connection that leads to another cluster when it is opened anew is not written on", async () => {
  await using one = await startEtcd();
  await using two = await startEtcd();
  await using proxy = await startTcpProxy(one.clientPort);
  await using etcd = connectEtcd(settingsFor(proxy.address));
  const write = { compare: [], success: [{ type: "put", key: "k", value: "ours" }], failure: [] } as const;
  await etcd.txn(write, limit);
  proxy.setTarget(two.clientPort);
  proxy.cut();
  for (let round = 0; round < 5; round += 1) {
    await expect(etcd.txn(write, { timeoutMs: 300 })).rejects.toThrow(EtcdUnavailableError);
  }
  expect(await two.etcdctl("get", "k")).toBe("");
  proxy.setTarget(one.clientPort);
});

test("one member under two names is one cluster, and one that can't be reached holds nothing up", async () => {
  await using one = await startEtcd();
  await using proxy = await startTcpProxy(one.clientPort);
  await using etcd = connectEtcd(settingsFor(addressOf(one), proxy.address, "127.0.0.1:1"));
  const members = await etcd.inspect(limit);
  expect(members.map(({ endpoint }) => endpoint)).toEqual([addressOf(one), proxy.address]);
  expect(members.every(({ version }) => /^3\.\d+\.\d+$/.test(version ?? ""))).toBe(true);
});

test("a member that may not be asked for its version is compared all the same", async () => {
  const access = { rootPassword: "root", users: [{ name: "db", password: "pw", prefix: "/msdha/db/" }] };
  await using one = await startEtcd({ auth: access });
  await using two = await startEtcd({ auth: access });
  const settings = { ...settingsFor(addressOf(one), addressOf(two)), user: { name: "db", password: "pw" } };
  await using etcd = connectEtcd(settings);
  await waitFor(() => etcd.range({ key: "/msdha/db/x" }, limit).then(() => true), { what: "an answer" });
  await expect(etcd.inspect(limit)).rejects.toThrow(/two clusters/);
});
