import { type EtcdMember, startEtcdCluster, startTcpProxy, type TcpProxy, waitFor } from "@msdha/testkit";
import { afterAll, beforeAll, expect, test } from "vitest";
import { connectEtcd, type Etcd, type EtcdUnavailableError } from "../src/index.ts";

const limit = { timeoutMs: 5_000 };
const key = { key: "k" };
const ADDRESSES = ["127.0.84.1", "127.0.84.2", "127.0.84.3"];

let cluster: Awaited<ReturnType<typeof startEtcdCluster>>;
let proxies: TcpProxy[];
let port: number;

/** Three members at three addresses and one port, as the members of a headless service are. */
beforeAll(async () => {
  cluster = await startEtcdCluster(3, { isolatable: true });
  const first = await startTcpProxy(member(0).clientPort, { host: ADDRESSES[0] as string });
  port = first.port;
  const others = [1, 2].map((index) =>
    startTcpProxy(member(index).clientPort, { host: ADDRESSES[index] as string, port }),
  );
  proxies = [first, ...(await Promise.all(others))];
});

afterAll(async () => {
  for (const proxy of proxies ?? []) await proxy[Symbol.asyncDispose]();
  await cluster?.[Symbol.asyncDispose]();
});

const member = (index: number): EtcdMember => cluster.members[index] as EtcdMember;

/** A client of one name, or three, and the resolver that it asks. */
function connectByName(names: readonly string[], answers: Record<string, readonly string[]>) {
  const resolver = { answers, silent: false, asked: 0 };
  const etcd: Etcd = connectEtcd(
    { endpoints: names.map((name) => ({ address: `${name}:${port}`, secure: false })) },
    {
      lookup: async (name) => {
        resolver.asked += 1;
        if (resolver.silent) return await new Promise<never>(() => {});
        const found = resolver.answers[name];
        if (!found) throw Object.assign(new Error("no such name"), { code: "ENOTFOUND" });
        return found;
      },
    },
  );
  return { etcd, resolver };
}

test("every address of a name is a member: the others answer when the first has lost its peers", async () => {
  const { etcd } = connectByName(["etcd.test"], { "etcd.test": ADDRESSES });
  await using _ = etcd;
  await etcd.range(key, limit);
  expect(await etcd.inspect(limit)).toHaveLength(3);
  await cluster.isolate(0);
  try {
    for (let round = 0; round < 5; round += 1) await etcd.range(key, { timeoutMs: 2_000 });
  } finally {
    await cluster.rejoin(0);
    await cluster.ready();
  }
});

test("a resolver that is silent while a member restarts costs nothing: addresses and connections are there", async () => {
  const names = ["etcd-1.test", "etcd-2.test", "etcd-3.test"];
  const answers = Object.fromEntries(names.map((name, index) => [name, [ADDRESSES[index] as string]]));
  const { etcd, resolver } = connectByName(names, answers);
  await using _ = etcd;
  await etcd.inspect(limit);
  await etcd.range(key, limit);
  resolver.silent = true;
  const accepted = proxies.map(({ counters }) => counters.accepted);
  await member(0).kill();
  await etcd.range(key, { timeoutMs: 2_000 });
  expect(proxies.slice(1).map(({ counters }) => counters.accepted)).toEqual(accepted.slice(1));
  await member(0).restart();
  await cluster.ready();
  for (const index of [1, 2]) await proxies[index]?.setMode("refuse");
  await etcd.range(key, limit);
  for (const index of [1, 2]) await proxies[index]?.setMode("pass");
});

test("a member that moves is found at its new address, and the old one is let go", async () => {
  const { etcd, resolver } = connectByName(["etcd.test"], { "etcd.test": ADDRESSES.slice(0, 1) });
  await using _ = etcd;
  await etcd.range(key, limit);
  resolver.answers["etcd.test"] = ADDRESSES.slice(1, 2);
  await proxies[0]?.setMode("refuse");
  await waitFor(() => etcd.range(key, { timeoutMs: 500 }).then(() => true), { what: "an answer of the new" });
  const before = proxies[0]?.counters.accepted;
  await proxies[0]?.setMode("pass");
  await etcd.range(key, limit);
  expect(proxies[0]?.counters.accepted).toBe(before);
});

test("a name that can't be resolved is told in a line, and asked for again", async () => {
  const { etcd, resolver } = connectByName(["etcd.test"], {});
  await using _ = etcd;
  const error: EtcdUnavailableError = await etcd.range(key, { timeoutMs: 700 }).then(
    () => expect.unreachable(),
    (reason: unknown) => reason as EtcdUnavailableError,
  );
  expect(error.message).toMatch(/the name etcd\.test can't be resolved \(ENOTFOUND\)/);
  expect(resolver.asked).toBeLessThan(6);
  resolver.answers["etcd.test"] = ADDRESSES;
  await etcd.range(key, limit);
});
