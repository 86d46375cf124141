import { afterAll, beforeAll, expect, test } from "vitest";
import { type Container, runContainer } from "./support/container.ts";
import { type ContainerGroup, startGroup } from "./support/group.ts";
import { startNode } from "./support/postgresql.ts";
import { createVolume, type Volume } from "./support/volume.ts";

const DATA = "/var/lib/postgresql/data";
const ENDS = { RestartPolicy: { Name: "no" } };

let shared: ContainerGroup;
beforeAll(async () => {
  shared = await startGroup({ ttlSeconds: 2 });
});
afterAll(async () => {
  await shared?.[Symbol.asyncDispose]();
});

let groups = 0;
function newGroup(): Promise<ContainerGroup> {
  return startGroup({ ttlSeconds: 2, group: `bad${++groups}`, beside: shared });
}

/** Runs a command on a volume, as root. */
async function onVolume(volume: Volume, command: string): Promise<string> {
  await using helper = await runContainer({
    image: "msdha-backend-postgresql",
    network: shared.network,
    alias: "helper",
    user: "root",
    host: { Binds: [`${volume.name}:${DATA}`] },
    entrypoint: ["sh", "-c", command],
  });
  await helper.exited();
  return await helper.log();
}

/** Keeps a volume in memory from being emptied while no node uses it. */
async function hold(volume: Volume): Promise<Container> {
  return await runContainer({
    image: "msdha-backend-postgresql",
    network: shared.network,
    alias: "holder",
    host: { Binds: [`${volume.name}:${DATA}`] },
    entrypoint: ["sleep", "infinity"],
  });
}

async function expectRefusal(node: Container, line: RegExp): Promise<void> {
  expect(await node.exited()).not.toBe(0);
  expect(await node.log()).toMatch(line);
}

test("a missing replication password ends the node", async () => {
  await using group = await newGroup();
  const node = await startNode(group, "a", { host: ENDS, env: { MSDHA_PG_REPLICATION_PASSWORD: "" } });
  await expectRefusal(node, /MSDHA_PG_REPLICATION_PASSWORD.*expected a password, got none/);
});

test("a missing secret file ends the node", async () => {
  await using group = await newGroup();
  const node = await startNode(group, "a", {
    host: ENDS,
    env: { POSTGRES_PASSWORD: "", POSTGRES_PASSWORD_FILE: "/run/secrets/none" },
  });
  await expectRefusal(node, /POSTGRES_PASSWORD_FILE.*\/run\/secrets\/none/);
});

test("a volume that can't be written to ends the node", async () => {
  await using volume = await createVolume({ uid: 0, mode: "755" });
  await using group = await newGroup();
  const node = await startNode(group, "a", { host: { ...ENDS, Binds: [`${volume.name}:${DATA}`] } });
  await expectRefusal(node, /PGDATA: the user postgres can't write to/);
});

test("a data directory with something else in it ends the node and is left as it is", async () => {
  await using volume = await createVolume({});
  await using _ = await hold(volume);
  await onVolume(
    volume,
    `mkdir ${DATA}/pgdata && echo mine >${DATA}/pgdata/letter && chown -R 999:999 ${DATA}/pgdata`,
  );
  await using group = await newGroup();
  const node = await startNode(group, "a", { host: { ...ENDS, Binds: [`${volume.name}:${DATA}`] } });
  await expectRefusal(node, /neither empty nor a PostgreSQL data directory/);
  expect(await onVolume(volume, `ls ${DATA}/pgdata; cat ${DATA}/pgdata/letter`)).toBe("letter\nmine\n");
});

test("data of another cluster end the node and are left as they are", async () => {
  await using volume = await createVolume({});
  await using _ = await hold(volume);
  await using former = await newGroup();
  const host = { ...ENDS, Binds: [`${volume.name}:${DATA}`] };
  const first = await startNode(former, "a", { host });
  await former.masterAmong([first]);
  await first.stop();

  await using group = await newGroup();
  const other = await startNode(group, "b");
  await group.masterAmong([other]);
  const sum = `cd ${DATA}/pgdata && find . -type f -exec cksum {} + | sort -k3`;
  const before = await onVolume(volume, sum);
  const stranger = await startNode(group, "a", { host });
  await expectRefusal(stranger, /belongs to another cluster/);
  expect(await onVolume(volume, sum)).toBe(before);
});

test("a wrong replication password ends the node", async () => {
  await using group = await newGroup();
  await group.masterAmong([await startNode(group, "a")]);
  const node = await startNode(group, "b", { host: ENDS, env: { MSDHA_PG_REPLICATION_PASSWORD: "wrong" } });
  await expectRefusal(node, /refuses the replication user replicator/);
});
