import { startEtcd, waitFor } from "@msdha/testkit";
import { expect, test } from "vitest";
import { startClient } from "./support/client.ts";
import { startFrontend } from "./support/frontend.ts";
import { startGroup } from "./support/group.ts";

const password = "s3cret";
const users = ["db", "db2"].map((name) => ({ name, password, prefix: `/msdha/${name}/` }));

/** The role of docs/etcd-keys.md: one user for each group, which may read and write below its prefix. */
test("a group works under a role that can read and write nothing but its keys", async () => {
  await using etcd = await startEtcd({ auth: { rootPassword: "root", users } });
  const endpoints = etcd.endpoint.replace("//", `//db:${password}@`);
  await using group = await startGroup({ group: "db", ttlSeconds: 4, etcd });
  const place = { dir: group.dir, endpoints, group: "db", ttlSeconds: 4 };
  await using frontend = await startFrontend(place);
  const start = (host: number) =>
    group.start(`n${host}`, {
      endpoints,
      hooks: { pre_start: 'msdha-backend claim first "$MSDHA_NAME"; msdha-backend claim on-lease x --lease' },
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
  await again.logged(/joined the group/, 2_000);
  await group.masterAmong([again]);
  for (const node of [first, second, again]) expect(node.log()).not.toMatch(/permission denied/);
});

test("a node whose user may not read the group's keys ends with 77 and says so", async () => {
  await using etcd = await startEtcd({ auth: { rootPassword: "root", users } });
  await using group = await startGroup({ group: "db", etcd });
  const node = group.start("a", { endpoints: etcd.endpoint.replace("//", `//db2:${password}@`) });
  expect(await node.exited()).toBe(77);
  expect(node.log()).toMatch(/permission denied/);
  expect(node.log()).not.toContain(password);
});
