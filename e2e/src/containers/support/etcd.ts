import { chmodSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { readPrefixBy, tempDir, waitFor } from "@msdha/testkit";
import type { StartedNetwork } from "testcontainers";
import { type Container, type Executed, runContainer } from "./container.ts";

/**
 * An etcd of some members, named etcd1, etcd2, …, with their data in the machine's memory, which outlive the
 * containers: a busy disk would make elections of its own.
 */
export interface EtcdContainers extends AsyncDisposable {
  readonly members: readonly Container[];
  readonly endpoints: string;
  /** The keys below a prefix, without it, and their values; asks the first member that answers. */
  read(prefix: string): Promise<Readonly<Record<string, string>>>;
  leader(): Promise<Container>;
}

export async function startEtcd(network: StartedNetwork, members = 1): Promise<EtcdContainers> {
  const names = Array.from({ length: members }, (_, index) => `etcd${index + 1}`);
  const cluster = names.map((name) => `${name}=http://${name}:2380`).join(",");
  const folder = tempDir();
  const containers = await Promise.all(
    names.map((name) =>
      runContainer({
        image: "msdha-example-etcd",
        network,
        alias: name,
        host: { Binds: [`${makeFolder(join(folder.path, name))}:/data`] },
        env: { ETCD_DATA_DIR: "/data/etcd" },
        command: [
          `--name=${name}`,
          "--listen-client-urls=http://0.0.0.0:2379",
          `--advertise-client-urls=http://${name}:2379`,
          "--listen-peer-urls=http://0.0.0.0:2380",
          `--initial-advertise-peer-urls=http://${name}:2380`,
          `--initial-cluster=${cluster}`,
        ],
      }),
    ),
  );

  async function etcdctl(...args: readonly string[]): Promise<string> {
    let last = "";
    for (const member of containers) {
      const { code, output } = await execIn(member, ...args);
      if (code === 0) return output;
      last = output;
    }
    throw new Error(`no etcd member answers: ${last}`);
  }

  const etcd: EtcdContainers = {
    members: containers,
    endpoints: names.map((name) => `http://${name}:2379`).join(","),
    read: (prefix) => readPrefixBy(etcdctl, prefix),
    async leader() {
      for (const member of containers) {
        const { code, output } = await execIn(member, "endpoint", "status", "-w", "json");
        if (code !== 0) continue;
        const [answer] = JSON.parse(output) as [
          { Status: { leader: number; header: { member_id: number } } },
        ];
        if (answer.Status.leader === answer.Status.header.member_id) return member;
      }
      throw new Error("no etcd member says that it is the leader");
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(containers.map((container) => container[Symbol.asyncDispose]()));
      await folder[Symbol.asyncDispose]();
    },
  };
  try {
    await waitFor(() => etcdctl("endpoint", "health").then(() => true), { what: "etcd", timeoutMs: 30_000 });
  } catch (error) {
    await etcd[Symbol.asyncDispose]();
    throw error;
  }
  return etcd;
}

/** Runs etcdctl in a member's container; fails with a code where that does not run. */
async function execIn(member: Container, ...args: readonly string[]): Promise<Executed> {
  return await member
    .exec(["etcdctl", "--command-timeout=2s", ...args])
    .catch((error: unknown) => ({ code: 1, output: String(error) }));
}

/** A folder that the container's own user can write to. */
function makeFolder(path: string): string {
  mkdirSync(path);
  chmodSync(path, 0o777);
  return path;
}
