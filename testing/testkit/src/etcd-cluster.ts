import { join } from "node:path";
import type { EtcdOptions } from "./etcd.ts";
import { type AuthOptions, enableAuth } from "./etcd-auth.ts";
import { type EtcdMember, startEtcdMember } from "./etcd-member.ts";
import { type PeerNetwork, startPeerNetwork } from "./peer-network.ts";
import { getFreePorts } from "./ports.ts";
import { tempDir } from "./temp-dir.ts";
import { createTlsFiles, type TlsFiles } from "./tls.ts";
import { waitFor } from "./wait-for.ts";

/** A cluster of etcd members on 127.0.0.1. */
export interface EtcdCluster extends AsyncDisposable {
  readonly members: readonly EtcdMember[];
  /** All client endpoints, in the members' order. */
  readonly endpoints: readonly string[];
  readonly tls: TlsFiles | undefined;
  /** The index of the member that is the leader, by the word of the members that answer; waits 20 s for one. */
  leader(): Promise<number>;
  /** Resolves when every member answers a linearizable read. */
  ready(): Promise<void>;
  enableAuth(auth: AuthOptions): Promise<void>;
  /**
   * Cuts a member off from the others, as a firewall does that drops every packet between them; clients still reach
   * it. Takes `isolatable`.
   */
  isolate(index: number): Promise<void>;
  /** Takes `isolate` back. */
  rejoin(index: number): Promise<void>;
}

export interface EtcdClusterOptions extends EtcdOptions {
  /** Has the members talk to each other through this process, for `isolate`. Default false. */
  readonly isolatable?: boolean;
}

/** Starts a cluster of `size` members and resolves when each answers linearizable reads. Gone on dispose. */
export async function startEtcdCluster(size: number, options: EtcdClusterOptions = {}): Promise<EtcdCluster> {
  const { auth, extraArgs = [], heartbeatMs, electionMs, isolatable = false } = options;
  const folder = tempDir({ prefix: "msdha-etcd-" });
  const members: EtcdMember[] = [];
  let network: PeerNetwork | undefined;
  const dispose = async (): Promise<void> => {
    await Promise.all(members.map((member) => member[Symbol.asyncDispose]()));
    await network?.[Symbol.asyncDispose]();
    await folder[Symbol.asyncDispose]();
  };
  try {
    const tls = options.tls === true ? await createTlsFiles(folder.path) : options.tls || undefined;
    const ports = await getFreePorts(size * 2);
    const peers = ports.slice(size);
    if (isolatable) network = await startPeerNetwork(peers, (index) => members[index]?.pid);
    const advertised = network?.ports ?? peers;
    const initialCluster = advertised.map((port, index) => `m${index}=http://127.0.0.1:${port}`).join(",");
    for (const [index, peerPort] of peers.entries()) {
      members.push(
        startEtcdMember({
          ...{ name: `m${index}`, folder: join(folder.path, `m${index}`), peerPort, initialCluster, tls },
          ...{ clientPort: ports[index] as number, extraArgs, heartbeatMs, electionMs },
          advertisedPeerPort: advertised[index] as number,
        }),
      );
    }
    const ready = async (): Promise<void> => {
      await Promise.all(members.map((member) => member.ready()));
    };
    await ready();
    const cluster: EtcdCluster = {
      members,
      endpoints: members.map(({ endpoint }) => endpoint),
      tls,
      leader: () => findLeader(members),
      ready,
      enableAuth: async (wanted) => {
        const [first, ...others] = members as [EtcdMember, ...EtcdMember[]];
        await enableAuth(first, wanted);
        for (const other of others) other.access.user = first.access.user;
      },
      isolate: async (index) => isolation(network).isolate(index),
      rejoin: async (index) => isolation(network).rejoin(index),
      [Symbol.asyncDispose]: dispose,
    };
    if (auth) await cluster.enableAuth(auth);
    return cluster;
  } catch (error) {
    await dispose();
    throw error;
  }
}

function isolation(network: PeerNetwork | undefined): PeerNetwork {
  if (!network) throw new TypeError("expected a cluster that was started with isolatable, got one without");
  return network;
}

function findLeader(members: readonly EtcdMember[]): Promise<number> {
  return waitFor(
    async () => {
      const answers = await Promise.all(members.map((member) => askForLeader(member).catch(() => undefined)));
      const received = answers.filter((answer) => answer !== undefined);
      // A member that is its own leader and is believed by most: a deposed one that has not noticed is not.
      const leader = received.find(
        ({ id, leader }) =>
          id === leader && received.filter((a) => a.leader === id).length * 2 > members.length,
      );
      return leader ? { index: answers.indexOf(leader) } : undefined;
    },
    { what: "an etcd leader that most members follow", timeoutMs: 20_000 },
  ).then(({ index }) => index);
}

async function askForLeader(member: EtcdMember): Promise<{ id: string; leader: string }> {
  const flags = ["--command-timeout=500ms", "--dial-timeout=500ms"];
  const output = await member.etcdctl("endpoint", "status", "-w", "fields", ...flags);
  const field = (name: string): string => new RegExp(`^"${name}" : (\\d+)$`, "m").exec(output)?.[1] ?? "0";
  const leader = field("Leader");
  if (leader === "0") throw new Error("no leader");
  return { id: field("MemberID"), leader };
}
