import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { type Child, waitFor } from "@msdha/testkit";
import { type Access, OPEN_ACCESS } from "./access.ts";
import type { Host } from "./network.ts";
import { runCommand } from "./run-command.ts";

/** Runs etcdctl on one member after the other until one answers. */
export type Ask = (...args: readonly string[]) => Promise<string>;

/** One etcd member on a host of its own. */
export interface Member {
  readonly name: string;
  readonly host: Host;
  readonly endpoint: string;
  readonly running: boolean;
  freeze(): void;
  thaw(): void;
  kill(): Promise<void>;
  /** Starts it with the data it had. */
  start(): void;
  /** Takes it out of the cluster, with all that it knew. */
  remove(ask: Ask): Promise<void>;
  /** Starts it as it is, or makes it a new member without any data where it has been taken out. */
  rejoin(ask: Ask): Promise<void>;
  /** Whether another cluster answers at its address. */
  readonly foreign: boolean;
  /** Puts an etcd in its place that is a cluster of its own, without any data, and with the same users. */
  replaceByForeign(): Promise<void>;
  /** Puts itself in the place of that one again. Resolves with the keys that the other cluster was given. */
  endForeign(): Promise<readonly string[]>;
}

export interface Etcd {
  readonly members: readonly Member[];
  readonly endpoints: string;
  /** How to get in. */
  readonly access: Access;
  readonly ask: Ask;
  /** The member that most of the others follow. Rejects when there is none within 15 s. */
  leader(): Promise<Member>;
  /** Resolves when every member answers a linearizable read. */
  ready(): Promise<void>;
}

const CLIENT_PORT = 2379;
const PEER_PORT = 2380;
const { PATH } = process.env;

/** Starts a cluster with a member on each host, etcd's timings being its own. */
export async function startEtcd(
  hosts: readonly Host[],
  folder: string,
  access: Access = OPEN_ACCESS,
): Promise<Etcd> {
  const cluster = hosts.map(({ name, address }) => `${name}=http://${address}:${PEER_PORT}`).join(",");
  const members = hosts.map((host) => startMember(host, join(folder, host.name), cluster, access));
  const endpoints = members.map(({ endpoint }) => endpoint).join(",");

  async function ask(...args: readonly string[]): Promise<string> {
    const errors: unknown[] = [];
    for (const { endpoint, foreign } of members) {
      if (foreign) continue;
      try {
        return await etcdctl(access, endpoint, ...args);
      } catch (error) {
        errors.push(error);
      }
    }
    throw new AggregateError(errors, `no member of etcd did ${args.join(" ")}: ${errors[0]}`);
  }

  async function leader(): Promise<Member> {
    return await waitFor(
      async () => {
        const answers = await Promise.all(
          members.map(({ endpoint, foreign }) =>
            foreign ? undefined : askStatus(access, endpoint).catch(() => undefined),
          ),
        );
        const votes = (id: string): number => answers.filter((answer) => answer?.leader === id).length;
        const index = answers.findIndex(
          (answer) => answer && answer.leader === answer.id && votes(answer.id) >= 2,
        );
        return members[index];
      },
      { what: "a leader of etcd", timeoutMs: 15_000, intervalMs: 200 },
    );
  }

  const etcd: Etcd = {
    members,
    endpoints,
    access,
    ask,
    leader,
    async ready() {
      for (const { name, endpoint } of members) {
        await waitFor(() => etcdctl(access, endpoint, "get", "ready", "-w", "json"), {
          what: `member ${name} of etcd to answer`,
          timeoutMs: 60_000,
          intervalMs: 200,
        });
      }
    },
  };
  await etcd.ready();
  await access.secure(etcd);
  return etcd;
}

function startMember(host: Host, folder: string, initialCluster: string, access: Access): Member {
  mkdirSync(folder, { recursive: true });
  const endpoint = `${access.scheme}://${host.address}:${CLIENT_PORT}`;
  const peer = `http://${host.address}:${PEER_PORT}`;
  const data = join(folder, "data");
  const foreignData = join(folder, "foreign");
  const command = [
    ...["etcd", `--name=${host.name}`],
    ...[`--listen-client-urls=${endpoint}`, `--advertise-client-urls=${endpoint}`],
    ...[`--listen-peer-urls=${peer}`, `--initial-advertise-peer-urls=${peer}`],
    ...["--logger=zap", "--log-outputs=stderr", ...access.memberFlags],
  ] as [string, ...string[]];
  const run = (...flags: readonly string[]): Child =>
    host.start([...command, ...flags], { logFile: join(folder, "log"), env: { PATH } });
  const start = (state: "new" | "existing"): Child =>
    run(`--data-dir=${data}`, `--initial-cluster=${initialCluster}`, `--initial-cluster-state=${state}`);
  const find = async (ask: Ask): Promise<string | undefined> =>
    (await ask("member", "list")).split("\n").find((line) => line.includes(peer));
  let child = start("new");
  let foreign = false;
  return {
    name: host.name,
    host,
    endpoint,
    get running() {
      return child.running;
    },
    freeze: () => child.freeze(),
    thaw: () => child.thaw(),
    kill: () => child.kill(),
    start() {
      if (!child.running) child = start("existing");
    },
    async remove(ask) {
      const [id = ""] = (await find(ask))?.split(",") ?? [];
      await ask("member", "remove", id);
      await child.kill();
    },
    async rejoin(ask) {
      if (!(await find(ask))) {
        await child.kill();
        rmSync(data, { recursive: true, force: true });
        await ask("member", "add", host.name, `--peer-urls=${peer}`);
      }
      if (!child.running) child = start("existing");
    },
    get foreign() {
      return foreign;
    },
    async replaceByForeign() {
      foreign = true;
      await child.kill();
      rmSync(foreignData, { recursive: true, force: true });
      const cluster = [`--initial-cluster=${host.name}=${peer}`, "--initial-cluster-token=another"];
      child = run(`--data-dir=${foreignData}`, ...cluster);
      const withoutUsers = { ...access, clientFlags: access.certificateFlags };
      await access.secure({ ask: (...args) => etcdctl(withoutUsers, endpoint, ...args) });
    },
    async endForeign() {
      const keys = await etcdctl(access, endpoint, "get", "", "--prefix", "--keys-only").catch(() => "");
      await child.kill();
      child = start("existing");
      foreign = false;
      return keys.split("\n").filter((key) => key !== "");
    },
  };
}

/** Runs etcdctl on one member. */
export async function etcdctl(access: Access, endpoint: string, ...args: readonly string[]): Promise<string> {
  const flags = [
    `--endpoints=${endpoint}`,
    "--command-timeout=2s",
    "--dial-timeout=2s",
    ...access.clientFlags,
  ];
  return await runCommand("etcdctl", [...flags, ...args], {
    timeoutMs: 5_000,
    env: { PATH, ETCDCTL_API: "3" },
  });
}

async function askStatus(
  access: Access,
  endpoint: string,
): Promise<{ readonly id: string; readonly leader: string }> {
  const output = await etcdctl(access, endpoint, "endpoint", "status", "-w", "fields");
  const field = (name: string): string => new RegExp(`^"${name}" : (\\d+)$`, "m").exec(output)?.[1] ?? "0";
  if (field("Leader") === "0") throw new Error("no leader");
  return { id: field("MemberID"), leader: field("Leader") };
}
