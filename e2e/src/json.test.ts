import { join } from "node:path";
import { expect, test } from "vitest";
import { startGroup } from "./support/group.ts";
import { expectListedFields } from "./support/json-page.ts";
import { msdhaOf, runMsdha } from "./support/msdha.ts";
import { startRestarting } from "./support/restarting-nodes.ts";

type Printed = Readonly<Record<string, unknown>>;

/** Reads what a command printed, which is nothing but lines of JSON, less the fields that all have. */
function parse(out: string, { group }: { readonly group?: string } = { group: "db" }): readonly Printed[] {
  return out
    .trimEnd()
    .split("\n")
    .map((line) => {
      const { schema, ...printed } = JSON.parse(line) as Printed;
      expect(schema).toBe(1);
      if (group === undefined) return printed;
      const { group: found, ...rest } = printed;
      expect(found).toBe(group);
      return rest;
    });
}

test("what commands print with --json has the fields that docs/command-json.md lists", async () => {
  await using group = await startGroup();
  const msdha = msdhaOf(group);
  using nodes = await startRestarting(group, ["n1", "n2"], { hooks: { report: "echo 0 streams" } });
  const [slave = ""] = nodes.others;
  await group.etcd.etcdctl("put", "/msdha/db/_frontend/f1", JSON.stringify({ host: "front", left: 0 }));
  const run = async (...args: readonly string[]): Promise<readonly Printed[]> => {
    const { code, out, err } = await msdha(...args, "--json");
    expect({ args, code, err }).toEqual({ args, code: 0, err: "" });
    return parse(out);
  };

  const [hold] = await run("hold", slave, "--for", "1h", "--why", "disk swap");
  expectListedFields("`msdha hold` and `msdha release`", [hold]);
  expect(hold).toMatchObject({ node: slave, held: true, until: expect.stringMatching(/^\d{4}-.*Z$/) });
  const [pause] = await run("pause");
  expect(pause).toEqual({ paused: true, until: null });
  const shown = await run("list");
  expect(shown[0]).toMatchObject({ master: nodes.master, pause: { until: null } });
  const absent = { by: "eve", why: "disk", at: 1 };
  await group.etcd.etcdctl("put", "/msdha/db/_ask/hold/n9", JSON.stringify(absent));
  await group.etcd.etcdctl("put", "/msdha/db/_ask/reinit/n7", JSON.stringify({ ...absent, run: "r" }));
  await group.etcd.etcdctl("put", "/msdha/db/n8", "ready");
  const withAbsent = await run("list");
  expect(withAbsent[0]).toMatchObject({ absentHolds: [{ node: "n9", hold: { why: "disk", until: null } }] });
  expect(withAbsent[0]).toMatchObject({
    nodes: [{ name: "n1" }, { name: "n2" }],
    absentReinits: [{ node: "n7", reinit: { by: "eve" } }],
    strays: [{ name: "n8", state: "ready", key: "/msdha/db/n8" }],
  });
  expect(await msdha("hold", slave)).toMatchObject({ code: 1, err: expect.stringMatching(/etcdctl del/) });
  await group.etcd.etcdctl("del", "/msdha/db/n8");
  const withdrawn = await run("reinit", "n7", "--cancel");
  expect(withdrawn).toEqual([{ node: "n7", withdrawn: true, pending: false }]);
  expect(await msdha("reinit", "n7", "--cancel")).toMatchObject({
    code: 1,
    err: expect.stringMatching(/no reinit of "n7"/),
  });
  const [resumed] = await run("resume");
  expectListedFields("`msdha pause` and `msdha resume`", [pause, resumed]);
  expect(await run("release", slave)).toEqual([{ node: slave, held: false, until: null }]);

  const [master] = await run("master");
  expectListedFields("`msdha master`", [master]);
  expect(master).toMatchObject({ master: nodes.master });
  expectListedFields("`msdha reinit`", [...withdrawn, ...(await run("reinit", slave, "--yes"))]);
  const restarted = [
    ...(await run("restart", slave, "--yes")),
    ...(await run("restart", "--rolling", "--yes")),
  ];
  expectListedFields("`msdha restart`", restarted);
  expect(restarted).toMatchObject([
    { restarted: [slave], absent: [], moved: null },
    { restarted: [slave, nodes.master], absent: ["n9"], moved: { from: nodes.master, to: slave } },
  ]);
  const [moved] = await run("switchover", nodes.master, "--yes");
  expectListedFields("`msdha switchover`", [moved]);
  expect(moved).toMatchObject({ from: slave, to: nodes.master });

  const empty = parse((await msdha("--group", "other", "list", "--json")).out, { group: "other" });
  expect(empty).toMatchObject([{ master: null, noMaster: { what: "no node has joined this group" } }]);
  expectListedFields("`msdha list`", [...shown, ...withAbsent, ...empty, ...(await run("list"))], {
    // Where etcd does not answer, and in the history alone.
    without: ["known.by", "known.ageMs", "note"],
  });
  expectListedFields("`msdha history`", await run("history"));
  const happened = await msdha("events", "--json");
  expectListedFields("`msdha events`", parse(happened.out, {}));
  const examined = await msdha("doctor", "--json");
  expectListedFields("`msdha doctor`", parse(examined.out, {}));
  const file = join(group.dir, "report.tar.gz");
  const [report] = await run("report", "--output", file);
  expectListedFields("`msdha report`", [report]);
  expect(report).toMatchObject({ file, contents: expect.arrayContaining(["list.txt", "doctor.txt"]) });
  expect(await msdha("report", "--output", "-", "--json")).toMatchObject({ code: 2, out: "" });
});

test("what a promotion prints with --json is on the page, and refusals print nothing", async () => {
  await using group = await startGroup({ ttlSeconds: 2 });
  const msdha = msdhaOf(group);
  const candidate = '[ "$MSDHA_NAME" = a ] && echo 9 || { [ "$MSDHA_ACCEPT_LOSS" = 1 ] && echo 1; }';
  const a = group.start("a", { hooks: { candidate } });
  await group.masterAmong([a]);
  const b = group.start("b", { hooks: { candidate } });
  await group.state("b", "ready");
  await a.child.kill();
  await b.logged(/no candidate now/);
  expect(await msdha("master", "--json")).toMatchObject({ code: 1, out: "" });
  const { code, out, err } = await msdha("promote", "b", "--accept-loss", "--yes", "--json");
  expect({ code, err }).toEqual({ code: 0, err: "" });
  const [promoted] = parse(out);
  expectListedFields("`msdha promote`", [promoted]);
  expect(promoted).toMatchObject({ master: "b", mayHaveLost: [{ of: "a" }] });
});

test("a switchover with --after waits before it asks, and prints nothing but JSON", async () => {
  await using group = await startGroup();
  using nodes = await startRestarting(group, ["n1", "n2"]);
  const begun = Date.now();
  const place = { endpoint: group.etcd.endpoint, group: group.name };
  const { code, out, err } = await runMsdha(place, "switchover", "--yes", "--after", "3s", "--json");
  expect(Date.now() - begun).toBeGreaterThan(3_000);
  expect({ code, err }).toEqual({
    code: 0,
    err: "waiting for 3 s first; end this command to call it off\n",
  });
  expect(parse(out)).toMatchObject([{ from: nodes.master, to: nodes.others[0] }]);
});
