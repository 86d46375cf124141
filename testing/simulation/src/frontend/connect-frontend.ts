import { combineMembers, type EtcdApi, EtcdAuthError } from "@msdha/etcd-client";
import { applyObserved } from "../facts/apply-observed.ts";
import type { FrontendFacts } from "../facts/facts.ts";
import { isOlder } from "../node/connect-node.ts";
import { gateEtcd } from "../node/gate-etcd.ts";
import type { Link } from "../world/network.ts";
import type { SimulatedProcess } from "../world/process.ts";
import type { World } from "../world/world.ts";

/**
 * etcd as a frontend has it, as a user who may only read: such a frontend does not register, and nobody waits for it. What
 * it is shown of the group is noted in its facts.
 */
export function connectFrontend(
  world: World,
  process: SimulatedProcess,
  facts: FrontendFacts,
  links: readonly Link[],
): EtcdApi {
  const { clock } = process;
  let watch: AbortSignal | undefined;
  /** The last whole read while no watch was open. */
  let read: { readonly revision: number; readonly restores: number } | undefined;
  const observe = (revision: number, restores: number): void =>
    applyObserved(world.facts, facts, { revision, restores, now: world.scheduler.now });
  const members = world.etcd.members.map(({ index }) => {
    const client = world.etcd.connect({ member: index, clock });
    client.onRequest = links[index]?.onRequest;
    client.onAnswer = links[index]?.onAnswer;
    return gateEtcd(client, process, {
      asked: () => () => {},
      watching({ startRevision }, signal) {
        watch = signal;
        // A watch that goes on from somewhere else was only compared with the read.
        if (read && startRevision === read.revision) observe(read.revision, read.restores);
        read = undefined;
      },
      received({ events }) {
        const last = events.at(-1);
        // What comes on a watch that was given up just now is not looked at any more.
        if (last && facts.known && !watch?.aborted) observe(last.kv.modRevision, world.facts.restores);
      },
    });
  });
  const combined = combineMembers(members, { clock });
  return {
    ...combined,
    // Of the members that it asks one after the other the first to answer is the one that is heard.
    async range(range, options) {
      const { restores } = world.facts;
      const { revision } = world.etcd.store;
      // A whole read beside an open watch is for comparison only.
      const fresh = range.prefix === true && range.key === world.keys.prefix && watch?.aborted !== false;
      const answer = await combined.range(range, options);
      if (restores === world.facts.restores && isOlder(answer, revision)) {
        facts.missed = true;
        facts.oldReadAt = world.scheduler.now;
      } else if (fresh) read = { revision: answer.revision, restores };
      return answer;
    },
    // The proof of the master: what it shows is believed, but the watch says where new sessions go.
    async txn(transaction, options) {
      const { restores } = world.facts;
      const { revision } = world.etcd.store;
      const answer = await combined.txn(transaction, options);
      if (restores === world.facts.restores && isOlder(answer, revision))
        facts.oldReadAt = world.scheduler.now;
      return answer;
    },
    leaseGrant: async () => {
      throw new EtcdAuthError("this user may only read");
    },
  };
}
