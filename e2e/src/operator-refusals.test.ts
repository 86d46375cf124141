import { waitFor } from "@msdha/testkit";
import { expect, test } from "vitest";
import { startGroup, type TestGroup } from "./support/group.ts";
import { type MsdhaRun, msdhaOf, runMsdha } from "./support/msdha.ts";
import { startRestarting } from "./support/restarting-nodes.ts";

type Line = readonly [args: readonly string[], code: number, text: RegExp];

async function expectRefusal(
  run: Promise<MsdhaRun>,
  [args, code, text]: Line,
  group: TestGroup,
): Promise<void> {
  const { out, err, ...ended } = await run;
  expect({ args, out, err, ...ended }).toEqual({ args, code, out: "", err: expect.stringMatching(text) });
  expect(err).toMatch(/^msdha: /);
  expect(err.trim().split("\n")).toHaveLength(1);
  const asks = Object.keys(await group.keys()).filter((key) => key.startsWith("_ask/"));
  expect({ args, asks }).toEqual({ args, asks: [] });
}

test("what can't be done changes nothing, and says why in one line", async () => {
  await using group = await startGroup();
  const msdha = msdhaOf(group);
  const one = group.start("n1");
  await group.masterAmong([one]);
  const lines: readonly Line[] = [
    [["switchover", "--yes"], 1, /no other node is ready/],
    [["switchover", "n9", "--yes"], 1, /no node "n9" in this group, expected one of: n1/],
    [["switchover", "n1", "--yes"], 1, /n1 is the master already/],
    [["switchover", "--yes", "--timeout", "-1s"], 2, /--timeout.*expected a length of time/],
    [["resume"], 1, /the group is not paused/],
    [["release", "n1"], 1, /node n1 is not held back/],
    [["hold", "n9"], 1, /no node "n9"/],
    [["hold"], 2, /missing required argument 'node'/],
    [["pause", "--for", "soon"], 2, /expected a length of time/],
    [["restart"], 2, /expected either a node or --rolling/],
    [["restart", "n1", "--rolling"], 2, /expected either a node or --rolling/],
    [["restart", "--rolling", "--yes"], 1, /no other node is ready to be the master/],
    [["reinit", "n1", "--yes"], 1, /n1 has the lock: its data are the group's/],
    [["promote", "n1", "--yes"], 2, /expected --accept-loss/],
    [["promote", "n9", "--accept-loss", "--yes"], 1, /no node "n9"/],
    [["promote", "n1", "--accept-loss", "--yes"], 1, /n1 is the master: msdha switchover moves it/],
    [["history", "--count", "0"], 2, /--count.*expected a whole number from 1 on/],
    [["doctor", "--compose", "/nowhere.yaml"], 1, /can't read "\/nowhere.yaml"/],
    [["completion", "tcsh"], 2, /expected one of bash, zsh, fish, got "tcsh"/],
    [["obey"], 2, /unknown command "obey"/],
    [["help", "obey"], 2, /unknown command "obey", expected one of: list, /],
    [["list", "--loud"], 2, /unknown option '--loud'/],
    [["--group", "a b", "list"], 78, /--group: expected a name/],
    [["--group", "a\u001b[2Jb", "list"], 78, /--group: expected a name.*"a\\u001b\[2Jb"/],
    [["--group", "other", "master"], 1, /the group has no master now/],
    [["--group", "other", "pause"], 1, /no node has joined this group/],
    [["--group", "other", "promote", "n1", "--accept-loss"], 1, /no node has joined this group/],
    [["--endpoints", "http://127.0.0.1:1", "master"], 69, /etcd does not answer/],
    [["--endpoints", "http://127.0.0.1:1", "list"], 69, /etcd does not answer/],
    [["--endpoints", "http://127.0.0.1:1", "pause"], 69, /etcd does not answer/],
    [["--endpoints", "nonsense://x", "list"], 78, /--endpoints: expected/],
  ];
  for (const line of lines) await expectRefusal(msdha(...line[0]), line, group);
  expect(await msdha("--group", "other", "list")).toMatchObject({
    code: 0,
    out: expect.stringMatching(/no node has joined this group/),
  });
  const twice: Line = [["list"], 78, /expected either MSDHA_GROUP or MSDHA_GROUP_FILE, not both/];
  const env = { MSDHA_GROUP_FILE: "/etc/hostname" };
  const place = { endpoint: group.etcd.endpoint, group: group.name, env };
  await expectRefusal(runMsdha(place, "list"), twice, group);
  expect((await group.keys())["n1"]).toBe("master");
});

test("a request that a node of the group does not understand is refused", async () => {
  await using group = await startGroup();
  const msdha = msdhaOf(group);
  const hooks = { candidate: "exit 0" };
  const nodes = ["n1", "n2"].map((name) => group.start(name, { hooks }));
  const master = await group.masterAmong(nodes);
  const put = (details: object) =>
    group.etcd.etcdctl(
      "put",
      "/msdha/db/_node/old",
      JSON.stringify({ runId: "r", address: "old", ...details }),
    );
  await put({ ttlSeconds: 3 });
  // A key without a lease is no node's.
  const [, lease = ""] = /lease (\w+)/.exec(await group.etcd.etcdctl("lease", "grant", "600")) ?? [];
  await group.etcd.etcdctl("put", `--lease=${lease}`, "/msdha/db/old", "ready");
  const old =
    /^msdha: nodes of an older version do not understand this request: old\. Nothing was changed\n$/;
  const lines: readonly Line[] = [
    [["pause"], 1, old],
    [["hold", "n1"], 1, old],
    [["restart", "old", "--yes"], 1, old],
    [["restart", "--rolling", "--yes"], 1, old],
    [["reinit", "old", "--yes"], 1, old],
    [["promote", "old", "--accept-loss", "--yes"], 1, old],
  ];
  for (const line of lines) await expectRefusal(msdha(...line[0]), line, group);
  expect((await msdha()).out).toMatch(/old +ready .*an older version, which takes no requests/);

  // A version that takes requests, and does not know this one.
  await put({ ttlSeconds: 3, asks: 1, candidateTimeoutMs: 5_000 });
  const promote: Line = [["promote", "old", "--accept-loss", "--yes"], 1, old];
  await expectRefusal(msdha(...promote[0]), promote, group);
  expect((await msdha("pause")).code).toBe(0);
  expect((await msdha("resume")).code).toBe(0);
  expect(await group.master()).toBe(master.name);
});

test("every list fits a terminal of 40 columns", async () => {
  await using group = await startGroup();
  const one = group.start("a-node-with-quite-a-long-name.example.org", {
    hooks: { report: "echo 12345 a note that is longer than this terminal is wide" },
  });
  await group.masterAmong([one]);
  const env = { COLUMNS: "40" };
  const place = { endpoint: group.etcd.endpoint, group: group.name, env };
  expect(
    (await runMsdha(place, "hold", one.name, "--why", "a reason that is longer than 40 columns")).code,
  ).toBe(0);
  await waitFor(async () => (await group.keys())[`_report/${one.name}`] !== undefined, {
    what: "the report",
    timeoutMs: 30_000,
  });
  for (const args of [[], ["history"]]) {
    const { out, code } = await runMsdha(place, ...args);
    expect(code).toBe(0);
    const lines = out.trimEnd().split("\n");
    expect(lines.length).toBeGreaterThan(1);
    for (const line of lines) expect([...line].length).toBeLessThanOrEqual(40);
    expect(out).toMatch(/a-nod/);
  }
});

test("what cuts sessions or discards data begins nowhere without --yes where nobody can answer", async () => {
  await using group = await startGroup();
  const msdha = msdhaOf(group);
  using nodes = await startRestarting(group, ["n1", "n2"]);
  const [slave = ""] = nodes.others;
  const commands = [["switchover"], ["restart", slave], ["restart", "--rolling"], ["reinit", slave]];
  for (const args of commands) {
    const line: Line = [args, 1, /expected --yes, as nobody can answer here/];
    await expectRefusal(msdha(...args), line, group);
  }
  expect(await group.master()).toBe(nodes.master);
});
