import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { waitFor } from "@msdha/testkit";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Container, runContainer } from "./support/container.ts";
import { type ContainerGroup, startGroup } from "./support/group.ts";
import { startNode } from "./support/postgresql.ts";
import { createVolume, type Volume } from "./support/volume.ts";

const DATA = "/var/lib/postgresql/data";
const IMAGE = "msdha-backend-postgresql";
const ENDS = { RestartPolicy: { Name: "no" } };
const PAGE = new URL("../../../docs/postgresql-changes.md", import.meta.url);

let shared: ContainerGroup;
beforeAll(async () => {
  shared = await startGroup({ ttlSeconds: 2 });
});
afterAll(async () => {
  await shared?.[Symbol.asyncDispose]();
});

let groups = 0;
function newGroup(): Promise<ContainerGroup> {
  return startGroup({ ttlSeconds: 2, group: `vol${++groups}`, beside: shared });
}

/** Runs a container with the volume that does nothing, or as the image does what `command` says, to its end. */
async function onVolume(volume: Volume, command: string, user = "root"): Promise<Container> {
  return await runContainer({
    image: IMAGE,
    network: shared.network,
    alias: "helper",
    user,
    host: { Binds: [`${volume.name}:${DATA}`] },
    entrypoint: ["sh", "-c", command],
  });
}

/** What the page says to run on a volume of the official image. */
function moveCommand(volume: string): string {
  const command = /^ {3}docker run [^`]*?^ {5}'mkdir [^`]*?$/m.exec(readFileSync(PAGE, "utf8"))?.[0];
  if (!command) throw new Error("docs/postgresql-changes.md has no command that moves the data");
  return command.replace("VOLUME", volume).replaceAll("\\\n", " ");
}

async function sql(node: Container, statement: string): Promise<string> {
  const psql = ["psql", "-h", "/run/msdha/postgresql", "-U", "postgres", "-Atc", statement];
  const { code, output } = await node.exec(psql);
  expect({ code, output }).toMatchObject({ code: 0 });
  return output.trim();
}

test("a volume of the official image is refused as it is, and taken into a group by the commands of the page", async () => {
  await using volume = await createVolume({});
  await using _ = await onVolume(volume, "sleep infinity");
  // As the official image has it: the data directly in the mount.
  const make = `pg=$(ls -d /usr/lib/postgresql/*/bin) && $pg/initdb -D ${DATA} -U postgres --auth=trust >/dev/null &&
    $pg/postgres --single -D ${DATA} postgres >/dev/null <<EOF
CREATE TABLE t AS SELECT generate_series(1, 1000) AS x
EOF`;
  await using maker = await onVolume(volume, make, "postgres");
  expect(await maker.exited()).toBe(0);

  await using group = await newGroup();
  const host = { ...ENDS, Binds: [`${volume.name}:${DATA}`] };
  const refused = await startNode(group, "a", { host });
  expect(await refused.exited()).not.toBe(0);
  expect(await refused.log()).toMatch(/itself holds PostgreSQL's data, as a volume of another image does/);

  execFileSync("sh", ["-c", moveCommand(volume.name)], { stdio: "pipe" });
  const first = await startNode(group, "a", { host });
  await group.masterAmong([first]);
  expect(await first.log()).toMatch(/taking the data in \/var\/lib\/postgresql\/data\/pgdata into the group/);
  const second = await startNode(group, "b");
  await group.inState(second, "ready");
  for (const node of [first, second]) expect(await sql(node, "SELECT count(*) FROM t")).toBe("1000");

  // What the report hook says is in the group's list, within some seconds.
  await waitFor(
    async () => /\bb +ready\b.*\b0 B\b.*streams from a/.test((await first.exec(["msdha", "list"])).output),
    { what: "the report of b in the list", timeoutMs: 40_000 },
  );
});

test("a second node with the volume of one that runs refuses to start, though it is another container", async () => {
  await using volume = await createVolume({});
  await using group = await newGroup();
  const host = { ...ENDS, Binds: [`${volume.name}:${DATA}`] };
  const first = await startNode(group, "a", { host });
  await group.masterAmong([first]);
  const second = await startNode(group, "b", { host });
  expect(await second.exited()).not.toBe(0);
  expect(await second.log()).toMatch(
    /PGDATA: another server works in .*: do two nodes have the same volume\?/,
  );
  expect(await sql(first, "SELECT pg_is_in_recovery()")).toBe("f");
});

test("the group's settings are given to it on the master, and the log is on a volume of its own", async () => {
  await using log = await createVolume({});
  await using group = await newGroup();
  const node = await startNode(group, "a", {
    host: { ...ENDS, Binds: [`${log.name}:/wal`] },
    env: { MSDHA_PG_WAL_DIR: "/wal" },
  });
  await group.masterAmong([node]);
  const give = "echo 'work_mem = 16MB' | msdha-postgresql settings -";
  expect(await node.exec(["sh", "-c", give])).toMatchObject({ code: 0 });
  expect((await node.exec(["msdha-postgresql", "settings"])).output.trim()).toBe("work_mem = 16MB");
  await waitFor(async () => (await sql(node, "SHOW work_mem")) === "16MB", {
    what: "the group's setting",
    timeoutMs: 40_000,
  });
  expect((await node.exec(["readlink", `${DATA}/pgdata/pg_wal`])).output).toMatch(/^\/wal\/pg_wal-\w+/);
});
