import { execFile } from "node:child_process";
import { stripVTControlCharacters } from "node:util";
import { startEtcdCluster, waitFor } from "@msdha/testkit";
import { expect, test } from "vitest";
import { startGroup, type TestGroup } from "./support/group.ts";
import { type MsdhaRun, msdhaOf, startMsdha } from "./support/msdha.ts";
import { msdhaCommand } from "./support/paths.ts";
import { startRestarting } from "./support/restarting-nodes.ts";

test("a hold with --for ends by itself, and events --follow has each step", async () => {
  await using group = await startGroup();
  const msdha = msdhaOf(group);
  using nodes = await startRestarting(group, ["n1", "n2"]);
  const [slave = ""] = nodes.others;
  const place = { endpoint: group.etcd.endpoint, group: group.name };
  const follow = [startMsdha(place, "events", "--follow"), startMsdha(place, "events", "--follow", "--json")];
  const [lines, json] = follow as [(typeof follow)[number], (typeof follow)[number]];
  for (const run of follow)
    await waitFor(() => run.out().includes(`${nodes.master} is the master`), { what: "the history" });

  const begun = Date.now();
  expect((await msdha("hold", slave, "--for", "15s", "--why", "disk swap")).out).toBe(
    `node ${slave} is held back for 15 s: it will not take over. Fencing and leases work as before.\n`,
  );
  expect((await msdha()).out).toMatch(
    new RegExp(`○ ${slave} +ready, held .*"disk swap" by .*, 1?[0-9] s left`),
  );
  await waitFor(async () => (await group.keys())[`_ask/hold/${slave}`] === undefined, {
    what: "the hold to end",
    timeoutMs: 40_000,
  });
  expect(Date.now() - begun).toBeGreaterThanOrEqual(15_000);
  expect((await msdha("switchover", slave, "--yes")).code).toBe(0);

  const texts = [
    `hold of ${slave} asked for: disk swap`,
    `hold of ${slave} is over`,
    `${slave} is the master (token `,
  ];
  for (const run of follow)
    await waitFor(() => texts.every((text) => run.out().includes(text)), {
      what: `the changes ${texts.join("; ")}`,
    });
  expect(lines.out()).toMatch(/^(?:\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ {2}\S.*\n)+$/);
  const kinds = json
    .out()
    .trimEnd()
    .split("\n")
    .map((line) => (JSON.parse(line) as { kind: string }).kind);
  expect(new Set(kinds)).toEqual(new Set(["master", "node", "ask", "ended"]));
  for (const { child, ended } of follow) {
    child.kill("SIGTERM");
    await ended;
  }
});

/** Runs `msdha` at a terminal, which both its outputs go to. `keys`: what is typed when it asks something. */
function runAtTerminal(
  group: TestGroup,
  {
    args = [],
    env = {},
    keys = "",
  }: { args?: readonly string[]; env?: Record<string, string>; keys?: string },
): Promise<Pick<MsdhaRun, "code" | "out">> {
  const { PATH } = process.env;
  const place = {
    ETCDCTL_ENDPOINTS: group.etcd.endpoint,
    MSDHA_GROUP: group.name,
    MSDHA_RUN_DIR: "/nowhere",
  };
  return new Promise((resolve) => {
    const command = [msdhaCommand, ...args].join(" ");
    const child = execFile(
      "script",
      ["--quiet", "--return", "--command", command, "/dev/null"],
      { env: { PATH, TERM: "xterm", ...place, ...env }, timeout: 60_000 },
      (error, out) => resolve({ code: typeof error?.code === "number" ? error.code : error ? -1 : 0, out }),
    );
    child.stdout?.on("data", (more: string) => {
      if (more.includes("[y/N]")) child.stdin?.write(keys);
    });
  });
}

test("colours are for terminals that want them, and say nothing alone", async () => {
  await using group = await startGroup();
  await group.masterAmong([group.start("n1")]);
  const colourful = await runAtTerminal(group, {});
  const plain = await runAtTerminal(group, { env: { NO_COLOR: "1" } });
  const dumb = await runAtTerminal(group, { env: { TERM: "dumb" } });
  expect(colourful.out).toContain("\u001b[");
  for (const { out } of [plain, dumb]) {
    expect(out).toMatch(/● n1 +master/);
    expect(out).not.toContain("\u001b");
  }
  const text = (out: string): string => out.replace(/\d+ s/g, "N s");
  expect(text(stripVTControlCharacters(colourful.out))).toBe(text(plain.out));
});

test.each([
  ["Ctrl-C", "\u0003"],
  ["the end of the input", "\u0004"],
  ["no", "n\r"],
])("what is asked first is not done after %s", async (_what, keys) => {
  await using group = await startGroup();
  using nodes = await startRestarting(group, ["n1", "n2"]);
  const { code, out } = await runAtTerminal(group, { args: ["switchover"], keys });
  expect(out).toMatch(/\nmsdha: not confirmed: nothing was changed\r?\n/);
  expect(code).toBe(1);
  expect(await group.master()).toBe(nodes.master);
});

test("a restart of the master says first that the master moves, and one of a slave does not", async () => {
  await using group = await startGroup();
  using nodes = await startRestarting(group, ["n1", "n2"]);
  const [slave = ""] = nodes.others;
  const ask = (name: string) => runAtTerminal(group, { args: ["restart", name], keys: "n\r" });
  const moves = "is the master: another node takes over, its sessions are cut, new ones wait";
  expect((await ask(nodes.master)).out).toContain(`Restart ${nodes.master}? ${nodes.master} ${moves}`);
  const { out } = await ask(slave);
  expect(out).toContain(`Restart ${slave}?`);
  expect(out).not.toContain(moves);
});

test("a list is not drawn again on a dumb terminal: it gets a line for each change", async () => {
  await using group = await startGroup();
  const { PATH } = process.env;
  const place = { ETCDCTL_ENDPOINTS: group.etcd.endpoint, MSDHA_GROUP: group.name };
  const command = ["--quiet", "--return", "--command", `${msdhaCommand} list --watch`, "/dev/null"];
  const env = { PATH, TERM: "dumb", ...place };
  let shown = "";
  const { promise: ended, resolve } = Promise.withResolvers<unknown>();
  const child = execFile("script", command, { env, timeout: 60_000 }, (error) => resolve(error?.code ?? 0));
  child.stdout?.on("data", (more: string) => {
    shown += more;
  });
  await group.masterAmong([group.start("n1")]);
  await waitFor(() => shown.includes("n1 is the master"), { what: "the change" });
  child.stdin?.write("\u0003");
  expect(await ended).toBe(130);
  expect(shown).not.toContain("\u001b");
  expect(shown).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ {2}n1 is the master/m);
});

test("a list that is drawn again and again says how many members of etcd answer now", async () => {
  await using cluster = await startEtcdCluster(3);
  const { PATH } = process.env;
  const env = { PATH, TERM: "xterm", ETCDCTL_ENDPOINTS: cluster.endpoints.join(","), MSDHA_GROUP: "db" };
  const command = ["--quiet", "--return", "--command", `${msdhaCommand} list --watch`, "/dev/null"];
  let shown = "";
  const { promise: ended, resolve } = Promise.withResolvers<unknown>();
  const child = execFile("script", command, { env, timeout: 60_000 }, (error) => resolve(error?.code ?? 0));
  child.stdout?.on("data", (more: string) => {
    shown += more;
  });
  await waitFor(() => shown.includes("etcd 3/3"), { what: "the list" });
  cluster.members[1]?.freeze();
  await waitFor(() => shown.includes("etcd 2/3"), { what: "the member to be missed", timeoutMs: 30_000 });
  cluster.members[1]?.thaw();
  const before = shown.length;
  await waitFor(() => shown.slice(before).includes("etcd 3/3"), { what: "it to be back", timeoutMs: 30_000 });
  child.stdin?.write("\u0003");
  expect(await ended).toBe(130);
});
