import { getFreePort, startEtcdCluster, waitFor } from "@msdha/testkit";
import { expect, test } from "vitest";
import { startFrontend } from "./support/frontend.ts";
import { openGroup, startGroup } from "./support/group.ts";
import { msdhaOf } from "./support/msdha.ts";
import { startRestarting } from "./support/restarting-nodes.ts";

/** How late a pause may end: what a node needs to see that it is over, and to say so to etcd. */
const LATE_MS = 5_000;

test("a pause outlives etcd's leader, all of etcd and all nodes, and ends on time", {
  timeout: 180_000,
}, async () => {
  await using cluster = await startEtcdCluster(3);
  const [first, ...rest] = cluster.members;
  if (!first) throw new Error("no member of etcd");
  await using group = openGroup(first, { ttlSeconds: 3 });
  const endpoints = cluster.endpoints.join(",");
  const msdha = msdhaOf(group, endpoints);
  const names = ["n1", "n2"];
  using nodes = await startRestarting(group, names, { endpoints });
  const masters = () => group.journal.entries().filter(({ what }) => what === "master").length;

  expect((await msdha("pause", "--for", "60s", "--why", "new switches")).code).toBe(0);
  const { until } = JSON.parse((await group.keys())["_ask/pause"] ?? "{}") as { until: number };
  const leader = cluster.members[await cluster.leader()];
  await leader?.kill();
  await waitFor(async () => (await msdha("list", "--json")).code === 0, { what: "etcd to have a leader" });
  expect((await msdha()).out).toMatch(/paused: no node will take over, "new switches"/);

  for (const member of [first, ...rest]) await member.kill();
  for (const member of [first, ...rest]) await member.restart();
  await cluster.ready();
  const before = masters();
  for (const name of names) await nodes.kill(name);
  // The master that was killed is gone for etcd only when its lease is.
  await waitFor(async () => (await group.keys())["_lock"] === undefined, {
    what: "the lock to be free",
    timeoutMs: 20_000,
  });
  for (const name of names) await group.state(name, "ready");
  expect((await msdha()).out).toMatch(/no master[\s\S]*paused: no node will take over, "new switches"/);
  expect(Date.now()).toBeLessThan(until);
  expect(masters()).toBe(before);

  let last = before;
  await waitFor(
    async () => {
      const count = masters();
      const isOver = (await group.keys())["_ask/pause"] === undefined;
      if (!isOver) last = count;
      return isOver;
    },
    { what: "the pause to end", timeoutMs: 60_000, intervalMs: 200 },
  );
  const lateMs = Date.now() - until;
  expect(lateMs).toBeGreaterThanOrEqual(0);
  expect(lateMs).toBeLessThan(LATE_MS);
  expect(last).toBe(before);
  await waitFor(async () => (await group.master()) !== undefined, { what: "a master", timeoutMs: 30_000 });
});

interface PageState {
  readonly route: string;
  readonly master: unknown;
  readonly pause: { readonly why: string } | null;
}

test("nobody takes over from a master that is killed under a pause, and list, page and metrics say why", async () => {
  await using group = await startGroup({ ttlSeconds: 2 });
  const msdha = msdhaOf(group);
  const port = await getFreePort();
  const status = { MSDHA_STATUS_PORT: String(port), MSDHA_STATUS_BIND: "127.0.0.1" };
  const place = { dir: group.dir, endpoints: group.etcd.endpoint, group: "db", ttlSeconds: 2 };
  await using frontend = await startFrontend(place, { env: status });
  using nodes = await startRestarting(group, ["n1", "n2"], {
    listenAt: (name) => ({ address: name === "n1" ? "127.0.49.1" : "127.0.49.2", port: frontend.port }),
  });
  const metric = async (name: string): Promise<number> => {
    const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
    return Number(new RegExp(`^${name}\\{.*\\} (\\S+)$`, "m").exec(text)?.[1]);
  };
  await waitFor(async () => (await metric("msdha_frontend_ready")) === 1, {
    what: "the frontend to serve",
  });

  const pause = await msdha("pause", "--why", "new switches");
  expect(pause.out).toMatch(/no other node will take over, not even from a master that is lost\./);
  await nodes.kill(nodes.master);
  await waitFor(async () => (await group.keys())["_lock"] === undefined, { what: "the lock to be free" });
  await group.state(nodes.master, "ready");
  const [other = ""] = nodes.others;
  // Longer than a failover takes where nobody has paused the group.
  const until = Date.now() + 4 * group.ttlMs;
  await waitFor(async () => Date.now() > until || (await group.master()) !== undefined, {
    what: "the time of a failover",
    timeoutMs: 30_000,
  });
  expect(await group.master()).toBeUndefined();
  expect((await group.keys())[other]).toBe("ready");

  const { out } = await msdha();
  expect(out).toMatch(/^db {3}no master/);
  expect(out).toMatch(/▲ paused: no node will take over, "new switches" by .*; msdha resume ends it/);
  expect(await readState(port)).toMatchObject({
    master: null,
    pause: { why: "new switches" },
    route: expect.stringMatching(/drain|none/),
  });
  expect(await metric("msdha_frontend_ready")).toBe(0);
  expect(await metric("msdha_frontend_paused")).toBe(1);

  expect((await msdha("resume")).code).toBe(0);
  await waitFor(async () => (await group.master()) !== undefined, { what: "a master", timeoutMs: 30_000 });
  await waitFor(async () => (await metric("msdha_frontend_ready")) === 1, { what: "the frontend to serve" });
  expect(await metric("msdha_frontend_paused")).toBe(0);
  expect(await readState(port)).toMatchObject({ pause: null, route: "serve" });
  expect(frontend.child.running).toBe(true);
});

/** What the page shows: the first event of its stream. */
async function readState(port: number): Promise<PageState> {
  const over = new AbortController();
  const answer = await fetch(`http://127.0.0.1:${port}/events`, { signal: over.signal });
  let text = "";
  try {
    for await (const chunk of answer.body ?? []) {
      text += Buffer.from(chunk).toString("utf8");
      const [, state] = /^event: state\ndata: (.*)$/m.exec(text) ?? [];
      if (state !== undefined && text.includes(`${state}\n`)) return JSON.parse(state) as PageState;
    }
  } finally {
    over.abort();
  }
  throw new Error(`expected the page's state, got ${text}`);
}
