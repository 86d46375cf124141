import { join } from "node:path";
import { mountTestDisk, readPrefixBy, startChild, type TestDisk, tempDir } from "@msdha/testkit";
import { type Etcd, startEtcd } from "../chaos/etcd.ts";
import type { Host } from "../chaos/network.ts";
import type { GroupEtcd } from "../support/group.ts";
import { type FailoverFigures, startPostgresqlPair } from "./pair.ts";

/** etcd makes the files of its log before it needs them. */
const DISK_BYTES = 256 * 1024 ** 2;

/** Three members of etcd, of which the leader's disk can be frozen. */
interface SlowLeader extends AsyncDisposable {
  /** All of it. */
  readonly etcd: GroupEtcd;
  /** The leader alone. */
  readonly leaderEndpoint: string;
  readonly disk: TestDisk;
}

/** Starts it on addresses of its own below 127.0.0.0/8. */
async function startSlowLeader(): Promise<SlowLeader> {
  const folder = tempDir({ prefix: "msdha-leader-" });
  const block = `127.${100 + Math.floor(Math.random() * 100)}.${Math.floor(Math.random() * 256)}`;
  const hosts = ["e1", "e2", "e3"].map((name, index) => localHost(name, `${block}.${index + 1}`));
  const disk = mountTestDisk(join(folder.path, "e1"), { bytes: DISK_BYTES });
  const etcd = await startEtcd(hosts, folder.path);
  await makeLeader(etcd, "e1");
  return {
    etcd: {
      endpoint: etcd.endpoints,
      read: (prefix) => readPrefixBy(etcd.ask, prefix),
    },
    leaderEndpoint: etcd.members[0]?.endpoint ?? "",
    disk,
    async [Symbol.asyncDispose]() {
      disk.heal();
      for (const member of etcd.members) await member.kill();
      disk[Symbol.dispose]();
      await folder[Symbol.asyncDispose]();
    },
  };
}

/**
 * Freezes the disk of the etcd leader that a master's supervisor talks to, as in `failOver`, in a group and an etcd of
 * their own.
 */
export async function freezeLeadersDisk(
  options: { readonly ttlSeconds?: number } = {},
): Promise<FailoverFigures> {
  await using leader = await startSlowLeader();
  await using pair = await startPostgresqlPair({
    ...options,
    etcd: leader.etcd,
    firstEndpoint: leader.leaderEndpoint,
  });
  return await pair.failOver(() => {
    leader.disk.hurt("frozen");
    return () => leader.disk.heal();
  });
}

async function makeLeader(etcd: Etcd, name: string): Promise<void> {
  const leader = await etcd.leader();
  if (leader.name === name) return;
  const list = await etcd.ask("member", "list");
  const id = list
    .split("\n")
    .find((line) => line.includes(` ${name},`))
    ?.split(",")[0];
  await etcd.ask(`--endpoints=${leader.endpoint}`, "move-leader", id ?? "");
}

function localHost(name: string, address: string): Host {
  return {
    name,
    address,
    start: ([file, ...args], options) => startChild(file, args, options),
    block: () =>
      Promise.reject(new TypeError("expected a host in a namespace, got an address of this machine")),
  };
}
