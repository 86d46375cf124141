import { EtcdCompactedError } from "@msdha/etcd-client";
import { startEtcd, startTcpProxy, waitFor } from "@msdha/testkit";
import { expect, test, vi } from "vitest";
import { put, record } from "./harness.ts";

test("a watch goes on after a compaction when the client is of another copy of etcd-client", async () => {
  vi.resetModules();
  const copy = await import("@msdha/etcd-client");
  expect(copy.EtcdCompactedError).not.toBe(EtcdCompactedError);
  await using etcd = await startEtcd();
  await using proxy = await startTcpProxy(etcd.clientPort);
  const endpoint = `http://127.0.0.1:${proxy.port}`;
  await using client = copy.connectEtcd(copy.readEtcdSettings({ ETCDCTL_ENDPOINTS: endpoint }));
  await put(client, "/p/deleted", "1");
  await using watch = record(client, "/p/");
  await waitFor(() => watch.health.length > 0, { what: "the watch" });
  await proxy.setMode("refuse");
  await etcd.etcdctl("del", "/p/deleted");
  await etcd.etcdctl("put", "/p/kept", "2");
  await etcd.etcdctl("compact", "4");
  await proxy.setMode("pass");
  await waitFor(() => watch.state.has("/p/kept"), { what: "the difference" });
  expect(watch.batches.at(-1)).toMatchObject({ type: "changes", resync: true, restored: false });
});
