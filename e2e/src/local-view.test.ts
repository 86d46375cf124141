import { join } from "node:path";
import { expect, test } from "vitest";
import { startFrontend } from "./support/frontend.ts";
import { startGroup } from "./support/group.ts";
import { runMsdha } from "./support/msdha.ts";

test("where etcd does not answer, msdha shows what the node or the frontend beside it knows, and how old that is", async () => {
  await using group = await startGroup({ ttlSeconds: 10 });
  const one = group.start("one");
  await using frontend = await startFrontend({
    dir: group.dir,
    endpoints: group.etcd.endpoint,
    group: group.name,
    ttlSeconds: 10,
  });
  await group.masterAmong([one], 60_000);
  const msdha = (runDir: string, ...args: readonly string[]) =>
    runMsdha({ endpoint: group.etcd.endpoint, group: group.name, runDir }, ...args);
  const ofFrontend = join(group.dir, `frontend-${group.name}`);

  group.etcd.freeze();
  const [byNode, byFrontend, byNobody] = await Promise.all([
    msdha(one.runDir),
    msdha(ofFrontend),
    msdha("/nowhere"),
  ]);
  for (const [run, name] of [
    [byNode, "node one"],
    [byFrontend, "the frontend"],
  ] as const) {
    expect(run.err).toMatch(
      new RegExp(
        `^msdha: etcd does not answer: this is what ${name} knows, and etcd has confirmed nothing of it for \\d+ (?:s|min)\n$`,
      ),
    );
    expect(run.code).toBe(69);
    expect(run.out).toMatch(/^db {3}master one · .*\n.*\n● one +master/);
  }
  expect(byNobody).toMatchObject({ code: 69, out: "", err: expect.stringMatching(/^msdha: etcd does not/) });

  await group.etcd.kill();
  await one.exited(60_000);
  const left = await msdha(one.runDir);
  expect(left).toMatchObject({ code: 69, out: "" });
  expect(left.err).toMatch(
    /the local node is not running, or is waiting for etcd; its last run was in state master and .*ended cleanly \d+ (?:s|min) ago\n.*it was the master \(token \d+\) until \d+ (?:s|min) ago: /,
  );
  const json = await msdha(ofFrontend, "list", "--json");
  expect(json.code).toBe(69);
  const { etcd, known, nodes } = JSON.parse(json.out) as {
    readonly etcd: null;
    readonly known: { readonly by: string; readonly ageMs: number };
    readonly nodes: readonly { readonly name: string }[];
  };
  expect(etcd).toBeNull();
  expect(known).toMatchObject({ by: "the frontend" });
  expect(known.ageMs).toBeGreaterThan(10_000);
  expect(nodes.map(({ name }) => name)).toEqual(["one"]);
  expect(frontend.child.running).toBe(true);
});
