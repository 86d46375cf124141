import type { Clock } from "@msdha/clock";
import { combineMembers, type EtcdApi } from "@msdha/etcd-client";
import { applyAnswer, applyEvents } from "../facts/apply-answer.ts";
import type { RunFacts } from "../facts/facts.ts";
import type { Link } from "../world/network.ts";
import type { World } from "../world/world.ts";
import { gateEtcd } from "./gate-etcd.ts";

export interface ConnectNodeOptions {
  /** The node's way to each member. */
  readonly links: readonly Link[];
  readonly clock: Clock;
}

/** Connects a run with every member of etcd, and notes what it asks, is answered, and is told by its watches. */
export function connectNode(run: RunFacts, world: World, { links, clock }: ConnectNodeOptions): EtcdApi {
  const { supervisor } = run;
  const members = world.etcd.members.map(({ index }) => {
    const client = world.etcd.connect({ member: index, clock: supervisor.clock });
    const link = links[index];
    client.onRequest = link?.onRequest;
    client.onAnswer = link?.onAnswer;
    return gateEtcd(client, supervisor, {
      asked(call, argument) {
        const sent = supervisor.clock.now();
        const { lostMs } = run.machine;
        const { revision } = world.etcd.store;
        const { restores } = world.facts;
        world.check({ kind: "ask", run, call, argument, now: world.scheduler.now });
        return (answer) => {
          const old = restores === world.facts.restores && isOlder(answer, revision);
          // What it was told of an old state is told anew afterwards.
          if (old) run.told.missed();
          applyAnswer(world.keys, run, { call, argument, answer, sent, lostMs, old });
        };
      },
      heard: ({ events }) => applyEvents(world.keys, world.facts, run, events),
    });
  });
  return combineMembers(members, { clock });
}

/** Whether an answer says less than etcd held when it was asked for. */
export function isOlder(answer: unknown, revision: number): boolean {
  return ((answer as { readonly revision?: number } | undefined)?.revision ?? revision) < revision;
}
