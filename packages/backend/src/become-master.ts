import {
  awaitTurn,
  campaign,
  confirmLock,
  giveBackLock,
  type MasterLock,
  prepareHandover,
  publishMaster,
} from "@msdha/group";
import { askCandidate } from "./candidate-hook.ts";
import type { Node } from "./node.ts";
import { writeLastEnd, writeMaster } from "./run-file-writes.ts";
import { runStateHook } from "./state-hook.ts";

/** How long a node that gave the lock back leaves it to the others. */
const ASK_AGAIN_MS = 1_000;

/**
 * Competes for the lock until the node holds it, has waited its turn, and may still be master; then publishes `master`
 * and runs its hook. Every step ends at once when the node does. The order of the steps is the safety argument of
 * docs/protocol.md.
 */
export async function becomeMaster(node: Node): Promise<void> {
  while (!(await winElection(node))) {
    node.log.info("gave the master lock back: the node may not be master now");
    await node.clock.sleep(ASK_AGAIN_MS, { signal: node.ended });
  }
  await promote(node);
}

/**
 * Resolves with whether the node may be promoted. The candidacy is asked for once more with the lock in hand and the
 * former master gone: what it says then no former master can change any more.
 */
async function winElection(node: Node): Promise<boolean> {
  const { etcd, heard, clock, follower, membership, lease, config, ended, log } = node;
  const lock = await campaign(etcd, follower, {
    ...{ membership, clock, heard, signal: ended },
    ttlSeconds: config.ttlSeconds,
    ...(node.ranks && { askCandidacy: () => askCandidate(node) }),
  });
  node.lock = lock;
  const { keys } = follower.view;
  lease.prove({ key: keys.lock, createRevision: lock.token, written: keys.proof(lease.id) });
  log.info({ token: lock.token, via: lock.via, waitMs: lock.waitMs }, "took the master lock");

  await awaitTurn(follower, lock, { clock, heard, signal: ended });
  node.waited = true;
  if (!node.ranks || (await askCandidate(node)).may) return true;
  await giveUpElection(node, lock);
  return false;
}

/** Nothing of this node was promoted, and nothing of the former master is alive: the next one need not wait. */
async function giveUpElection(node: Node, lock: MasterLock): Promise<void> {
  const { etcd, clock, follower, membership, lease, config, ended } = node;
  const handover = await prepareHandover(etcd, { membership, clock });
  ended.throwIfAborted();
  lease.prove({ key: follower.view.keys.node(membership.name) });
  node.lock = undefined;
  node.waited = false;
  await giveBackLock(etcd, follower.view.keys, lock, {
    ...{ membership, clock, handover },
    ttlSeconds: config.ttlSeconds,
  });
}

async function promote(node: Node): Promise<void> {
  const { etcd, clock, follower, membership, fence, config, ended, log, lock } = node;
  if (!lock) throw new Error("expected to hold the lock");
  await Promise.all([fence.arm(), node.permission.prove()]);
  await publishMaster(etcd, follower.view.keys, lock, {
    ...{ membership, clock, signal: ended },
    ttlSeconds: config.ttlSeconds,
  });
  log.info({ token: lock.token }, "is the master");
  endWhenMasterTtlIsOver(node);

  await Promise.all([writeMaster(node, true), writeLastEnd(node, { end: "unclean", state: "master" })]);
  // Time may have been lost since the publication, with or without this machine's clock.
  await confirmLock(etcd, follower.view.keys, lock, { membership, clock, signal: ended });
  await runStateHook(node, "master");
  if (config.traffic === "after_hook") {
    node.trafficOpenSince = await membership.openTraffic({ signal: ended });
    log.info("frontends may send traffic");
  }
}

function endWhenMasterTtlIsOver({ clock, config, ended, end }: Node): void {
  clock.sleep(config.masterTtlMs, { signal: ended }).then(
    () =>
      end({ kind: "planned", why: "the node has been the master for as long as it may (MSDHA_MASTER_TTL)" }),
    () => {},
  );
}
