import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { waitFor } from "@msdha/testkit";
import { expect, test } from "vitest";
import { startGroup } from "./support/group.ts";
import { msdhaOf } from "./support/msdha.ts";
import { startRestarting } from "./support/restarting-nodes.ts";

interface Status {
  readonly master: string | null;
  readonly nodes: readonly { readonly name: string; readonly state: string; readonly since: string }[];
  readonly history: readonly {
    readonly node: string;
    readonly withoutMasterMs: number | null;
    readonly ended: { readonly why: string; readonly by: string } | null;
  }[];
}

test("a switchover moves the master to the node that it names, and the history says why", async () => {
  await using group = await startGroup();
  const msdha = msdhaOf(group);
  using nodes = await startRestarting(group, ["n1", "n2", "n3"]);
  const [target = ""] = nodes.others;
  const moved = await msdha("switchover", target, "--why", "kernel update", "--yes");
  expect(moved.err).toBe("");
  expect(moved.code).toBe(0);
  expect(moved.out).toMatch(new RegExp(`${nodes.master} accepts`));
  expect(moved.out).toMatch(
    new RegExp(`${target} is the master \\(token \\d+\\): [\\d.]+ (ms|s) without a master`),
  );
  await group.state(nodes.master, "ready");

  const listed = await msdha("list", "--json");
  const status = JSON.parse(listed.out) as Status;
  expect(status.master).toBe(target);
  expect(await msdha("master")).toMatchObject({ code: 0, out: `${target}\n`, err: "" });
  const [now, before] = status.history;
  expect(now).toMatchObject({ node: target, ended: null });
  expect(now?.withoutMasterMs).toBeLessThan(5_000);
  expect(before).toMatchObject({
    node: nodes.master,
    ended: { why: `asked to stop: switchover to ${target}: kernel update`, by: "itself" },
  });
  expect((await msdha()).out).toMatch(new RegExp(`${nodes.master} → ${target}, asked to stop: switchover`));
  expect((await group.keys())["_ask/switchover"]).toBeUndefined();
});

test("a pause keeps every node from taking the lock until it ends, and a hold keeps one", async () => {
  await using group = await startGroup();
  const msdha = msdhaOf(group);
  using nodes = await startRestarting(group, ["n1", "n2", "n3"]);
  const [held = "", free = ""] = nodes.others;
  expect((await msdha("hold", held, "--why", "disk swap")).code).toBe(0);
  expect((await msdha("pause", "--for", "25s", "--why", "switch replaced")).out).toMatch(
    /is paused for 25 s/,
  );
  const paused = Date.now();
  const refused = await msdha("switchover", free, "--yes");
  expect(refused).toMatchObject({ code: 1, err: expect.stringMatching(/paused.*msdha resume/) });
  await nodes.kill(nodes.master);
  await group.state(nodes.master, "ready");
  expect((await msdha()).out).toMatch(/no master[\s\S]*paused: no node will take over, "switch replaced"/);

  await waitFor(async () => (await group.master()) !== undefined, { what: "a master", timeoutMs: 60_000 });
  expect(Date.now() - paused).toBeGreaterThan(24_000);
  expect(await group.master()).not.toBe(held);
  const again = await msdha("switchover", held, "--yes");
  expect(again).toMatchObject({ code: 1, err: expect.stringMatching(/held back; msdha release/) });
  expect((await msdha("release", held)).code).toBe(0);
  expect((await msdha("switchover", held, "--yes")).code).toBe(0);
});

test("a master that is held back serves on, hands over, and is not the next master either", async () => {
  await using group = await startGroup();
  const msdha = msdhaOf(group);
  using nodes = await startRestarting(group, ["n1", "n2"]);
  const [other = ""] = nodes.others;
  expect((await msdha("hold", nodes.master, "--for", "2h", "--why", "disk swap")).code).toBe(0);
  expect(await group.master()).toBe(nodes.master);
  expect((await msdha("switchover", "--why", "disk swap", "--yes")).code).toBe(0);
  await group.state(nodes.master, "ready");
  expect((await msdha()).out).toMatch(
    new RegExp(`master ${other} [\\s\\S]*○ ${nodes.master} +ready, held .*"disk swap"`),
  );
  const back = await msdha("switchover", "--yes");
  const why = new RegExp(`no other node may take over: ${nodes.master} is held back; msdha release `);
  expect(back).toMatchObject({ code: 1, err: expect.stringMatching(why) });
});

test("the next run says in the history how a master ended that could not", async () => {
  await using group = await startGroup();
  const msdha = msdhaOf(group);
  using nodes = await startRestarting(group, ["n1", "n2"]);
  await nodes.kill(nodes.master);
  const ended = await waitFor(
    async () => {
      const { history } = JSON.parse((await msdha("history", "--json")).out) as Pick<Status, "history">;
      return history.find(({ ended }) => ended !== null);
    },
    { what: "an end in the history", timeoutMs: 40_000 },
  );
  expect(ended).toMatchObject({
    node: nodes.master,
    ended: { why: expect.stringMatching(/without a trace/), by: "next_run" },
  });
});

test("a rolling restart takes every node once, the master last", async () => {
  await using group = await startGroup();
  const msdha = msdhaOf(group);
  using nodes = await startRestarting(group, ["n1", "n2"]);
  const before = await group.keys();
  const done = await msdha("restart", "--rolling", "--yes");
  expect(done.err).toBe("");
  expect(done.code).toBe(0);
  const times = [...done.out.matchAll(/^ *\+(\d+\.\d+) s {2}/gm)].map(([, at]) => Number(at));
  expect(times.length).toBeGreaterThan(10);
  expect(times).toEqual(times.toSorted((a, b) => a - b));
  const after = await group.keys();
  for (const name of ["n1", "n2"]) expect(after[`_node/${name}`]).not.toBe(before[`_node/${name}`]);
  expect(await group.master()).toBe(nodes.others[0]);
  expect(nodes.log(nodes.master)).toMatch(/joined the group/);
});

test("a node that is to begin with new data finds that in pre_start, once, and never the lock's holder", async () => {
  await using group = await startGroup();
  const msdha = msdhaOf(group);
  const hooks = { pre_start: 'echo "reinit=<$MSDHA_REINIT>"' };
  using nodes = await startRestarting(group, ["n1", "n2"], { hooks });
  const [slave = ""] = nodes.others;
  expect(await msdha("reinit", nodes.master, "--yes")).toMatchObject({ code: 1 });
  expect((await msdha("reinit", slave, "--yes")).code).toBe(0);
  expect(nodes.log(slave)).toMatch(/reinit=<1>/);
  expect((await msdha("restart", slave, "--yes")).code).toBe(0);
  expect(nodes.log(slave)).toMatch(/reinit=<>/);
});

test("a former master whose data keep it from starting is given new ones when it comes", async () => {
  await using group = await startGroup();
  const msdha = msdhaOf(group);
  const hooks = { pre_start: '[ "$MSDHA_REINIT" = 1 ] || [ ! -e "$MSDHA_RUN_DIR/broken" ]' };
  using nodes = await startRestarting(group, ["n1", "n2"], { hooks });
  const { master, others } = nodes;
  nodes.leave(master);
  await nodes.kill(master);
  await waitFor(async () => (await group.master()) === others[0], {
    what: "the other one",
    timeoutMs: 60_000,
  });
  expect(await msdha("reinit", "n9", "--yes")).toMatchObject({ code: 1 });
  const asked = await msdha("reinit", master, "--yes", "--why", "its data are broken");
  expect(asked).toMatchObject({ code: 0, out: expect.stringMatching(/begins with new data when it comes/) });
  expect(await msdha("reinit", master, "--yes")).toMatchObject({ code: 1 });
  writeFileSync(join(group.dir, group.name, master, "run", "broken"), "");
  const again = group.start(master, { hooks });
  await group.state(master, "ready");
  await again.logged(/began with new data, as an operator asked/);
  expect((await msdha("list", "--json")).out).toContain('"absentReinits":[]');
});

test("the doctor finds what is not well, and says what to do", async () => {
  await using group = await startGroup();
  const msdha = msdhaOf(group);
  using nodes = await startRestarting(group, ["n1", "n2"]);
  await msdha("pause", "--why", "forgotten");
  const run = await msdha("doctor", "--json");
  const { findings } = JSON.parse(run.out) as {
    findings: readonly { level: string; what: string; todo?: string }[];
  };
  const what = (level: string): string =>
    findings
      .filter((finding) => finding.level === level)
      .map((finding) => finding.what)
      .join("\n");
  expect(what("ok")).toMatch(new RegExp(`master: ${nodes.master}`));
  expect(what("ok")).toMatch(/etcd http:.*: a read by quorum takes \d+ ms/);
  expect(what("ok")).toMatch(/MB of \d+ MB are used/);
  expect(what("ok")).toMatch(/the group is paused by/);
  expect(what("ok")).toMatch(/revisions are kept/);
  expect(what("ok")).toMatch(/the wall clock here is that of etcd's members/);
  expect(what("ok")).toMatch(/the node here \(process \d+\) may signal all \d+ processes that it runs/);
  expect(what("warning")).toMatch(/endpoints of etcd: 1/);
  expect(what("warning")).toMatch(/etcd asks for no user/);
  // Nodes of a test have names that resolve nowhere.
  expect(what("error")).toMatch(/n1 can't be resolved here/);
  expect(run.code).toBe(3);
});
