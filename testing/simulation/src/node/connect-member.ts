import type { Clock } from "@msdha/clock";
import {
  type ClusterIdentity,
  type EtcdApi,
  EtcdUnavailableError,
  isEtcdError,
  type WatchMessage,
} from "@msdha/etcd-client";
import type { SimulatedClient } from "@msdha/etcd-simulated";
import type { Link } from "../world/network.ts";
import type { World } from "../world/world.ts";

/** The ids of the group's own cluster, and of one that has nothing to do with it. */
export const clusterIds = { own: "1", other: "2" } as const;

export interface MemberOptions {
  readonly member: number;
  readonly link: Link | undefined;
  readonly clock: Clock;
  /** Production's: which cluster the process talks to. */
  readonly identity: ClusterIdentity;
  /** Called with each answer: of which cluster it is, and whether the process takes it. */
  readonly onAnswer: (cluster: string, taken: boolean) => void;
}

/**
 * A client of what answers at the address of a member: while its link leads astray, a member of another cluster. An
 * answer of another cluster than the first one's is none, as in production.
 */
export function connectMember(world: World, options: MemberOptions): EtcdApi {
  const { member, link, clock, identity, onAnswer } = options;
  const own = connectDirectly(world, options);
  let other: EtcdApi | undefined;

  function dial(): { readonly client: EtcdApi; readonly cluster: string } {
    if (!link?.astray) return { client: own, cluster: clusterIds.own };
    other ??= connected(world.otherEtcd().connect({ clock }), link);
    return { client: other, cluster: clusterIds.other };
  }

  function check(cluster: string): void {
    try {
      if (!world.collaborators.takesForeignAnswers) identity.check(endpointOf(member), cluster);
    } catch (error) {
      onAnswer(cluster, false);
      throw new EtcdUnavailableError(String(error), { cause: error });
    }
    onAnswer(cluster, true);
  }

  async function ask<T>(call: (client: EtcdApi) => Promise<T>): Promise<T> {
    const { client, cluster } = dial();
    try {
      const answer = await call(client);
      check(cluster);
      return answer;
    } catch (error) {
      if (refusals.some((code) => isEtcdError(error, code))) check(cluster);
      throw error;
    }
  }

  return {
    range: (range, call) => ask((client) => client.range(range, call)),
    txn: (transaction, call) => ask((client) => client.txn(transaction, call)),
    leaseGrant: (seconds, call) => ask((client) => client.leaseGrant(seconds, call)),
    leaseKeepAlive: (id, call) => ask((client) => client.leaseKeepAlive(id, call)),
    leaseRevoke: (id, call) => ask((client) => client.leaseRevoke(id, call)),
    leaseTimeToLive: (id, call) => ask((client) => client.leaseTimeToLive(id, call)),
    watch(request, call) {
      const { client, cluster } = dial();
      const stream = client.watch(request, call);
      const messages = stream[Symbol.asyncIterator]();
      const next = async (): Promise<IteratorResult<WatchMessage>> => {
        const result = await messages.next();
        if (!result.done) check(cluster);
        return result;
      };
      return {
        requestProgress: () => stream.requestProgress(),
        [Symbol.asyncIterator]: () => ({ next }),
      };
    },
  };
}

/** What a member that is reached refuses with. */
const refusals = [
  "ERR_ETCD_LEASE_NOT_FOUND",
  "ERR_ETCD_COMPACTED",
  "ERR_ETCD_REQUEST",
  "ERR_ETCD_NO_SPACE",
] as const;

export function endpointOf(member: number): string {
  return `m${member}:2379`;
}

/** A client of a member where nothing leads astray. */
export function connectDirectly(
  world: World,
  { member, link, clock }: Pick<MemberOptions, "member" | "link" | "clock">,
): EtcdApi {
  return connected(world.etcd.connect({ member, clock }), link);
}

function connected(client: SimulatedClient, link: Link | undefined): SimulatedClient {
  client.onRequest = link?.onRequest;
  client.onAnswer = link?.onAnswer;
  return client;
}
