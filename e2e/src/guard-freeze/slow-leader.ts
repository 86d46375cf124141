import { join } from "node:path";
import { parsePrefix, startChild, tempDir } from "@msdha/testkit";
import { type Etcd, startEtcd } from "../chaos/etcd.ts";
import type { Host } from "../chaos/network.ts";
import type { GroupEtcd } from "../support/group.ts";
import { type FrozenDisk, mountDisk } from "./frozen-disk.ts";
import { type FailoverFigures, startPostgresqlPair } from "./pair.ts";

/** Three members of etcd, of which the leader's disk can be frozen. */
interface SlowLeader extends AsyncDisposable {
  /** All of it. */
  readonly etcd: GroupEtcd;
  /** The leader alone. */
  readonly leaderEndpoint: string;
  readonly disk: FrozenDisk;
}

/** Starts it on addresses of its own below 127.0.0.0/8. */
async function startSlowLeader(): Promise<SlowLeader> {
  const folder = tempDir({ prefix: "msdha-leader-" });
  const block = `127.${100 + Math.floor(Math.random() * 100)}.${Math.floor(Math.random() * 256)}`;
  const hosts = ["e1", "e2", "e3"].map((name, index) => localHost(name, `${block}.${index + 1}`));
  const disk = mountDisk(join(folder.path, "disk"), join(folder.path, "e1"));
  const etcd = await startEtcd(hosts, folder.path);
  await makeLeader(etcd, "e1");
  return {
    etcd: {
      endpoint: etcd.endpoints,
      read: async (prefix) => parsePrefix(await etcd.ask("get", "--prefix", prefix, "-w", "json"), prefix),
    },
    leaderEndpoint: etcd.members[0]?.endpoint ?? "",
    disk,
    async [Symbol.asyncDispose]() {
      disk.thaw();
      for (const member of etcd.members) await member.kill();
      await disk[Symbol.asyncDispose]();
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
    leader.disk.freeze();
    return () => leader.disk.thaw();
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
