import { systemClock } from "@msdha/clock";
import { connectEtcd, readEtcdSettings } from "@msdha/etcd-client";
import { acquireLease } from "@msdha/etcd-lease";
import { startEtcd, startTcpProxy } from "@msdha/testkit";
import { expect, test } from "vitest";
import { followGroup, groupKeys, joinGroup, mastership, publishMaster, takeLock } from "../src/index.ts";

const clock = systemClock;
const keys = groupKeys("db");
const unknown = { ttl: { seconds: 0, modRevision: 0 }, revision: 0 };

test("makes good what etcd did when its answers are lost, on a real connection that falls silent one way", async () => {
  await using etcd = await startEtcd();
  await using proxy = await startTcpProxy(etcd.clientPort);
  await using client = connectEtcd(readEtcdSettings({ ETCDCTL_ENDPOINTS: `http://${proxy.address}` }));
  await using lease = await acquireLease(client, { ttlSeconds: 6, probeKey: "/msdha/" });
  const stop = new AbortController();
  const follower = followGroup(client, "db", { clock, signal: stop.signal });
  const details = { runId: "r", address: "127.0.0.1", ttlSeconds: 6 };
  const membership = await joinGroup(client, keys, { name: "a", lease, details, clock, signal: stop.signal });

  const options = { membership, ttlSeconds: 6, clock };
  await proxy.setMode("silent-down");
  const taking = takeLock(client, keys, unknown, options);
  await expect
    .poll(() => etcd.etcdctl("get", keys.lock), { timeout: 5_000 })
    .toContain('"takenAfter":"wait"');
  await proxy.setMode("pass");
  const lock = await taking;
  if (!lock) throw new Error("expected the lock");

  await proxy.setMode("silent-down");
  const publishing = publishMaster(client, keys, lock, options);
  await expect.poll(() => etcd.etcdctl("get", keys.node("a")), { timeout: 5_000 }).toContain("master");
  await proxy.setMode("pass");
  await publishing;
  await expect
    .poll(() => mastership(follower.view), { timeout: 10_000 })
    .toEqual({ kind: "master", name: "a", address: "127.0.0.1", token: lock.token });
  stop.abort();
});
