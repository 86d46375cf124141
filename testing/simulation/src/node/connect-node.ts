import type { Clock } from "@msdha/clock";
import { combineMembers, createClusterIdentity, type EtcdApi, type Transaction } from "@msdha/etcd-client";
import { applyAnswer, applyEvents, applyProof, isProof } from "../facts/apply-answer.ts";
import { noteDecision } from "../facts/decision.ts";
import type { RunFacts } from "../facts/facts.ts";
import type { Link } from "../world/network.ts";
import type { World } from "../world/world.ts";
import { clusterIds, connectDirectly, connectMember, endpointOf } from "./connect-member.ts";
import { gateEtcd } from "./gate-etcd.ts";

const INSPECT_MS = 3_000;

/** etcd as a node has it. */
export interface NodeEtcd extends EtcdApi {
  inspect(): Promise<void>;
}

export interface ConnectNodeOptions {
  /** The node's way to each member. */
  readonly links: readonly Link[];
  readonly clock: Clock;
}

/** Connects a run with every member of etcd, and notes what it asks, is answered, and is told by its watches. */
export function connectNode(run: RunFacts, world: World, { links, clock }: ConnectNodeOptions): NodeEtcd {
  const { supervisor } = run;
  const { clusters } = run;
  const clones = world.planned.has("cloneMachine");
  const identity = createClusterIdentity({ onForeign: ({ other }) => clusters.told.add(other.endpoint) });
  const members = world.etcd.members.map(({ index: member }) => {
    const link = links[member];
    const options = { member, link, clock: supervisor.clock };
    const client = world.planned.has("foreignMember")
      ? connectMember(world, {
          ...options,
          identity,
          onAnswer(cluster, taken) {
            if (taken) clusters.first ??= cluster;
            world.check({ kind: "answer", run, cluster, endpoint: endpointOf(member), taken });
          },
        })
      : connectDirectly(world, options);
    return gateEtcd(client, supervisor, {
      asked(call, argument) {
        const sent = supervisor.clock.now();
        const sentByClock = run.clock.now();
        const { lostMs } = run.machine;
        const { revision } = world.etcd.store;
        const { restores } = world.facts;
        noteDecision(run, call, argument);
        world.check({ kind: "ask", run, call, argument, now: world.scheduler.now });
        if (clones && call === "txn") noteMark(run, argument as Transaction, world);
        return (answer) => {
          const old = restores === world.facts.restores && isOlder(answer, revision);
          // What it was told of an old state is told anew afterwards.
          if (old) run.told.missed();
          applyAnswer(world.keys, run, { call, argument, answer, sent, sentByClock, lostMs, old });
        };
      },
      received: ({ events }) => applyEvents(world.keys, world.facts, run, events),
    });
  });
  const combined = combineMembers(members, { clock });
  return {
    ...combined,
    async txn(transaction, options) {
      const answer = await combined.txn(transaction, options);
      if (clones) applyProof(world.keys, run, transaction, answer);
      return answer;
    },
    inspect: () => (world.planned.has("foreignMember") ? inspect(members, run) : Promise.resolve()),
  };
}

/**
 * Asks every member who it is, as production does at its start. Rejects when they are of two clusters; and when only another
 * cluster answers, of which nothing is promised.
 */
async function inspect(members: readonly EtcdApi[], { clusters }: RunFacts): Promise<void> {
  const ask = (member: EtcdApi): Promise<number> => member.leaseTimeToLive("1", { timeoutMs: INSPECT_MS });
  await Promise.all(members.map((member) => ask(member).catch(() => 0)));
  if (clusters.told.size > 0 || clusters.first !== clusterIds.own)
    throw new Error("the endpoints are of two clusters");
}

function noteMark({ marks }: RunFacts, transaction: Transaction, { keys }: World): void {
  const [put] = transaction.success;
  if (isProof(transaction, keys) && put?.type === "put") marks.add(put.value);
}

/** Whether an answer says less than etcd held when it was asked for. */
export function isOlder(answer: unknown, revision: number): boolean {
  return ((answer as { readonly revision?: number } | undefined)?.revision ?? revision) < revision;
}
