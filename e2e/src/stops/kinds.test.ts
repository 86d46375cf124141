import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { type EtcdMember, startEtcd, waitFor } from "@msdha/testkit";
import { expect, test } from "vitest";
import { openGroup } from "../support/group.ts";
import type { TestNode } from "../support/node.ts";
import { beater } from "../support/paths.ts";
import { FLUSH_MS, type Kind, kinds, STOP_SECONDS } from "./kinds.ts";

const stopsPage = fileURLToPath(new URL("../../../docs/stops.md", import.meta.url));

type Group = ReturnType<typeof openGroup<EtcdMember>>;

/** Each makes a master end, and resolves when it has. */
const ends: Readonly<Record<string, (group: Group, node: TestNode) => Promise<void>>> = {
  "planned stop": async (_, node) => node.stop(),
  async "lost lease"(group) {
    const lease = await leaseOf(group);
    await group.etcd.etcdctl("lease", "revoke", lease);
  },
  async crash(_, node) {
    const line = await node.logged(/main process has started/);
    process.kill(Number(/pid=(\d+)/.exec(line)?.[1]), "SIGKILL");
  },
};

/** As etcdctl takes it: in hexadecimal, of a number that is larger than JavaScript's whole ones. */
async function leaseOf({ etcd, name }: Group): Promise<string> {
  const answer = await etcd.etcdctl("get", `/msdha/${name}/_lock`, "-w", "json");
  const lease = /"lease":(\d+)/.exec(answer)?.[1];
  if (lease === undefined) throw new Error(`no lease in ${answer}`);
  return BigInt(lease).toString(16);
}

/** What became of one master, in the words of the table. */
async function observe(group: Group, node: TestNode): Promise<string> {
  await node.exited();
  const flushed = group.journal.of(node.name, "end").length > 0;
  const killed = /had to kill (.*?) killed=(\d+)/.exec(node.log());
  const handedOver = /gave the master lock back.*handedOver=true/.test(node.log());
  const server = flushed ? "ends" : killed ? "killed, named" : "was killed";
  return `${server}; ${handedOver ? "handed over" : "no hand-over"}`;
}

async function run(etcd: EtcdMember, kind: Kind, how: string, index: number): Promise<string> {
  await using group = openGroup(etcd, { group: `g${index}`, ttlSeconds: 3 });
  const start = kind.start((mode) => `${beater} ${group.journal.path} a ${mode}`);
  const node = group.start("a", {
    hooks: { start: `export BEATER_RUN=$(cat "$MSDHA_RUN_DIR/run_id"); ${start}` },
    env: { MSDHA_STOP_TIMEOUT: String(STOP_SECONDS) },
  });
  await group.masterAmong([node]);
  await waitFor(() => group.journal.of("a", "begin").length > 0, { what: "the server to have begun" });
  await ends[how]?.(group, node);
  return await observe(group, node);
}

test("each kind of main process ends as docs/stops.md says, whatever the end", {
  timeout: 240_000,
}, async () => {
  await using etcd = await startEtcd();
  const hows = Object.keys(ends);
  const rows: string[][] = [];
  for (const [row, kind] of kinds.entries()) {
    const cells = hows.map((how, column) => run(etcd, kind, how, row * hows.length + column));
    rows.push([kind.name, ...(await Promise.all(cells))]);
  }
  const [, printed = ""] =
    /<!-- kinds -->\n([\s\S]*?)<!-- \/kinds -->/.exec(readFileSync(stopsPage, "utf8")) ?? [];
  expect(readTable(printed)).toEqual([["main process", ...hows], ...rows]);
  expect(FLUSH_MS).toBeLessThan(STOP_SECONDS * 1_000);
});

function readTable(markdown: string): string[][] {
  return markdown
    .split("\n")
    .filter((line) => line.startsWith("|") && !line.startsWith("| -"))
    .map((line) =>
      line
        .split("|")
        .slice(1, -1)
        .map((cell) => cell.trim()),
    );
}
