import { type EtcdMember, startEtcd, waitFor } from "@msdha/testkit";
import { describe, expect, test } from "vitest";
import { startGroup } from "./support/group.ts";
import { msdhaOf, startMsdha } from "./support/msdha.ts";
import { startRestarting } from "./support/restarting-nodes.ts";
import { type WrittenGroup, writeGroup } from "./support/written-group.ts";

function start(
  { etcd, name }: { readonly etcd: Pick<EtcdMember, "endpoint">; readonly name: string },
  ...args: readonly string[]
): ReturnType<typeof startMsdha> {
  return startMsdha({ endpoint: etcd.endpoint, group: name }, ...args);
}

/** A master, one, and a ready node, two: neither of them answers a request. */
async function writePair(etcd: EtcdMember): Promise<WrittenGroup> {
  const group = writeGroup(etcd);
  await group.writeMaster("one");
  await group.writeNode("two");
  return group;
}

async function untilWritten(group: WrittenGroup, request: string): Promise<void> {
  await waitFor(async () => (await group.keys()).includes(`_ask/${request}`), {
    what: `the request ${request}`,
  });
}

describe("a rolling restart", () => {
  test("is refused under a pause before it restarts anything", async () => {
    await using group = await startGroup();
    const msdha = msdhaOf(group);
    using _nodes = await startRestarting(group, ["n1", "n2"]);
    expect((await msdha("pause")).code).toBe(0);
    const before = await group.keys();
    expect(await msdha("restart", "--rolling", "--yes")).toMatchObject({
      code: 1,
      out: "",
      err: expect.stringMatching(/^msdha: the group is paused: .*msdha resume first\n$/),
    });
    const after = await group.keys();
    for (const name of ["n1", "n2"]) expect(after[`_node/${name}`]).toBe(before[`_node/${name}`]);
  });

  test("ends with 3 and names what has restarted when the master can't be moved any more", async () => {
    await using group = await startGroup();
    using nodes = await startRestarting(group, ["n1", "n2"]);
    const [slave = ""] = nodes.others;
    const rolling = start(group, "restart", "--rolling", "--yes");
    // One view of the group may show several steps: the first of them is not printed then.
    const restarts = new RegExp(`${slave} (?:accepts|has left the group|is back)`);
    await waitFor(() => restarts.test(rolling.out()), { what: "the slave to restart" });
    await group.etcd.etcdctl("put", "/msdha/db/_ask/pause", "{}");
    const { code, err } = await rolling.ended;
    expect(err).toBe(
      `msdha: stopped at ${nodes.master}: the group is paused: no node would take the lock; msdha resume first\n` +
        `msdha: restarted: ${slave}; not restarted: ${nodes.master}\n`,
    );
    expect(code).toBe(3);
    expect(await group.master()).toBe(nodes.master);
  });

  test("stops at the first node that does not come back", async () => {
    await using group = await startGroup();
    const msdha = msdhaOf(group);
    using nodes = await startRestarting(group, ["n1", "n2", "n3"]);
    const [first = "", second = ""] = nodes.others;
    const before = await group.keys();
    nodes.leave(first);
    const { code, err } = await msdha("restart", "--rolling", "--yes", "--timeout", "12s");
    expect(err).toBe(
      `msdha: stopped at ${first}: ${first} has left the group, and is not ready in time; look with msdha list\n` +
        `msdha: restarted: none; asked, and not ready again: ${first}; not restarted: ${second}, ${nodes.master}\n`,
    );
    expect(code).toBe(4);
    const after = await group.keys();
    for (const name of [second, nodes.master]) expect(after[`_node/${name}`]).toBe(before[`_node/${name}`]);
    expect(await group.master()).toBe(nodes.master);
  });
});

test("a switchover whose master is lost before it accepts ends with 3, and names the new master", async () => {
  await using etcd = await startEtcd();
  const group = await writePair(etcd);
  const run = start({ etcd, name: group.name }, "switchover", "--yes");
  await untilWritten(group, "switchover");
  await group.writeMaster("two");
  const { code, err } = await run.ended;
  expect(err).toMatch(
    /^msdha: one was lost before it accepted, and two is the master now(?:, .* without a master)?\n$/,
  );
  expect(code).toBe(3);
  expect(await etcd.etcdctl("get", "--prefix", `/msdha/${group.name}/_ask/`)).toBe("");
});

test("a restart is asked for though a run that was killed has left its own request", async () => {
  await using etcd = await startEtcd();
  const group = await writePair(etcd);
  const key = `/msdha/${group.name}/_ask/restart/two`;
  await etcd.etcdctl("put", key, JSON.stringify({ by: "", why: "", at: 1, run: "a run that is gone" }));
  const run = start({ etcd, name: group.name }, "restart", "two", "--yes");
  await waitFor(async () => !(await etcd.etcdctl("get", key)).includes("gone"), { what: "the new request" });
  await waitFor(() => run.out() !== "", { what: "the first step" });
  run.child.kill("SIGINT");
  expect((await run.ended).err).toMatch(/the restart of two is withdrawn: nothing was changed/);
});

test("a switchover that was confirmed for one master asks nothing of the next one", async () => {
  await using etcd = await startEtcd();
  const group = await writePair(etcd);
  const run = start({ etcd, name: group.name }, "switchover", "--yes", "--json", "--after", "3s");
  let notes = "";
  run.child.stderr?.on("data", (more: string) => {
    notes += more;
  });
  await waitFor(() => notes.includes("waiting for 3 s first"), { what: "the note" });
  await group.writeMaster("two");
  await group.writeNode("one");
  const { code, out, err } = await run.ended;
  expect(err).toMatch(
    /\nmsdha: two has become the master, and one is not any more: nothing was changed; look with msdha list\n$/,
  );
  expect({ code, out }).toEqual({ code: 1, out: "" });
});

test("a request that etcd is lost over ends with 4, and says what is known", async () => {
  await using etcd = await startEtcd();
  const group = await writePair(etcd);
  const run = start({ etcd, name: group.name }, "restart", "two", "--yes");
  await untilWritten(group, "restart/two");
  etcd.freeze();
  const { code, err } = await run.ended;
  etcd.thaw();
  expect(err).toBe(
    "msdha: etcd does not answer: the restart of two was asked for, and whether a node has accepted it is not known; " +
      "a request that no node accepts ends by itself within 605 s. Look with msdha list\n",
  );
  expect(code).toBe(4);
});

describe("a command that is interrupted", () => {
  test("withdraws its request, and says so", async () => {
    await using etcd = await startEtcd();
    const group = await writePair(etcd);
    const run = start({ etcd, name: group.name }, "restart", "two", "--yes");
    await untilWritten(group, "restart/two");
    await waitFor(() => run.out() !== "", { what: "the first step" });
    run.child.kill("SIGINT");
    expect(await run.ended).toMatchObject({
      code: 1,
      err: "msdha: the restart of two is withdrawn: nothing was changed\n",
    });
    expect(await group.keys()).not.toContain("_ask/restart/two");
  });

  test("says that its request goes on once a node has accepted it", async () => {
    await using group = await startGroup();
    using nodes = await startRestarting(group, ["n1", "n2"]);
    const [slave = ""] = nodes.others;
    nodes.leave(slave);
    const run = start(group, "restart", slave, "--yes");
    await waitFor(() => run.out().includes("has left the group"), { what: "the node to go" });
    run.child.kill("SIGTERM");
    expect(await run.ended).toMatchObject({
      code: 4,
      err: `msdha: the restart of ${slave} goes on without this command: look with msdha list\n`,
    });
  });

  test("before a switchover's time has come calls it off", async () => {
    await using group = await startGroup();
    using nodes = await startRestarting(group, ["n1", "n2"]);
    const run = start(group, "switchover", "--yes", "--json", "--after", "1h");
    let notes = "";
    run.child.stderr?.on("data", (more: string) => {
      notes += more;
    });
    await waitFor(() => notes.includes("waiting for 1 h first"), { what: "the note" });
    run.child.kill("SIGINT");
    expect(await run.ended).toMatchObject({
      code: 1,
      out: "",
      err: expect.stringMatching(/\nmsdha: the switchover is called off: nothing was changed\n$/),
    });
    expect(await group.master()).toBe(nodes.master);
  });

  test.each([
    ["SIGINT", 130],
    ["SIGTERM", 143],
  ] as const)("and only shows something ends by %s with %i, and silently", async (signal, code) => {
    await using etcd = await startEtcd();
    const { run } = await followEvents(etcd);
    run.child.kill(signal);
    expect(await run.ended).toMatchObject({ code, err: "" });
  });

  test("as nobody reads its output ends with 141, and silently", async () => {
    await using etcd = await startEtcd();
    const { group, run } = await followEvents(etcd);
    run.child.stdout?.destroy();
    await group.writeNode("three", "start");
    expect(await run.ended).toMatchObject({ code: 141, err: "" });
  });
});

/** Follows the events of a group until a change is shown. */
async function followEvents(etcd: EtcdMember) {
  const group = await writePair(etcd);
  const run = start({ etcd, name: group.name }, "events", "--follow");
  await group.writeNode("three");
  await waitFor(
    async () => {
      await group.writeNode("three", "start");
      await group.writeNode("three", "ready");
      return run.out().includes("three: ");
    },
    { what: "a change" },
  );
  return { group, run };
}
