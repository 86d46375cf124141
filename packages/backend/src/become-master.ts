import {
  awaitTurn,
  type Candidate,
  type Choice,
  campaign,
  confirmLock,
  giveBackLock,
  holdElection,
  isChosen,
  type MasterLock,
  prepareHandover,
  publishMaster,
} from "@msdha/group";
import { createCandidateHook } from "./candidate-hook.ts";
import { endAfterTerm } from "./master-term.ts";
import type { Node } from "./node.ts";
import { listPossibleLosses } from "./possible-losses.ts";
import { writeLastEnd, writeMaster } from "./run-file-writes.ts";
import { runStateHook } from "./state-hook.ts";

/** How long a node that gave the lock back leaves it to the others. */
const ASK_AGAIN_MS = 1_000;

/**
 * Competes for the lock until the node holds it, has waited its turn, and is the one to promote; then publishes
 * `master` and runs its hook. Every step ends at once when the node does. The order of the steps is the safety argument
 * of docs/protocol.md.
 */
export async function becomeMaster(node: Node): Promise<void> {
  const candidate = node.hasCandidateHook ? createCandidateHook(node) : undefined;
  for (;;) {
    const lock = await takeTurn(node, candidate);
    const chosen = await chooseNext(node, lock, candidate);
    if (chosen === node.membership.name) break;
    await giveUpElection(node, lock, chosen);
    if (chosen !== undefined) continue;
    node.log.info("gave the master lock back: no node may be master now");
    await node.clock.sleep(ASK_AGAIN_MS, { signal: node.ended });
  }
  await promote(node);
}

/** Resolves with the lock when the node holds it and nothing of a former master can be alive. */
async function takeTurn(node: Node, candidate: Candidate | undefined): Promise<MasterLock> {
  const { etcd, heard, clock, follower, membership, lease, config, ended, log } = node;
  const { ttlSeconds } = config;
  const lock = await campaign(etcd, follower, {
    membership,
    clock,
    heard,
    signal: ended,
    ttlSeconds,
    candidate,
  });
  node.lock = lock;
  const { keys } = follower.view;
  lease.prove({ key: keys.lock, createRevision: lock.token, written: keys.proof(lease.id) });
  log.info({ token: lock.token, via: lock.via, waitMs: lock.waitMs }, "took the master lock");
  await awaitTurn(follower, lock, { clock, heard, signal: ended });
  node.waited = true;
  return lock;
}

/**
 * Resolves with the node that should be promoted; undefined when none may. What the nodes answer now, with the lock in
 * hand and the former master gone, no former master can change any more.
 */
async function chooseNext(
  node: Node,
  lock: MasterLock,
  candidate: Candidate | undefined,
): Promise<string | undefined> {
  const { etcd, clock, follower, membership, lease, config, ended, log } = node;
  const { name } = membership;
  const asked = candidate !== undefined;
  if (isChosen(follower.view, lock.handover, { name, lease: lease.id, asked })) return name;
  const { ttlSeconds } = config;
  const choice = await holdElection(etcd, follower, lock, {
    membership,
    clock,
    signal: ended,
    ttlSeconds,
    candidate,
  });
  if (choice.silent.length > 0) {
    log.warn(
      { silent: choice.silent.join(" ") },
      "nodes that are ready did not say in time whether they may be master: the choice is made without them",
    );
  }
  if (choice.voters.length > 1)
    log.info({ chosen: choice.node, answers: describe(choice) }, "the next master is chosen");
  return choice.node;
}

function describe({ voters }: Choice): string {
  return voters
    .map(({ name, candidacy }) => {
      if (!candidacy) return `${name}: none`;
      return `${name}: ${candidacy.may ? (candidacy.rank ?? "yes") : "no"}`;
    })
    .join(", ");
}

/** Nothing of this node was promoted, and nothing of the former master is alive: the next one need not wait. */
async function giveUpElection(node: Node, lock: MasterLock, chosen: string | undefined): Promise<void> {
  const { etcd, clock, follower, membership, lease, config, ended, log } = node;
  const handover = await prepareHandover(etcd, { membership, clock, signal: ended });
  ended.throwIfAborted();
  lease.prove({ key: follower.view.keys.node(membership.name) });
  node.lock = undefined;
  node.waited = false;
  const { ttlSeconds } = config;
  await giveBackLock(etcd, follower.view.keys, lock, {
    membership,
    clock,
    signal: ended,
    ttlSeconds,
    handover,
    for: chosen,
  });
  if (chosen !== undefined)
    log.info({ token: lock.token, chosen }, "left the master lock to the node that was chosen");
}

async function promote(node: Node): Promise<void> {
  const { etcd, clock, follower, membership, fence, config, ended, log, lock } = node;
  if (!lock) throw new Error("expected to hold the lock");
  warnOfLosses(node, lock);
  await Promise.all([fence.arm(), node.permission.prove()]);
  const { ttlSeconds } = config;
  await publishMaster(etcd, follower.view.keys, lock, { membership, clock, signal: ended, ttlSeconds });
  log.info({ token: lock.token }, "is the master");
  endAfterTerm(node);

  await Promise.all([writeMaster(node, true), writeLastEnd(node, { end: "unclean", state: "master" })]);
  // Time may have been lost since the publication, with or without this machine's clock.
  await confirmLock(etcd, follower.view.keys, lock, { membership, clock, signal: ended });
  await runStateHook(node, "master");
  if (config.traffic === "after_hook") {
    node.trafficOpenSince = await membership.openTraffic({ signal: ended });
    log.info("frontends may send traffic");
  }
}

function warnOfLosses({ follower, membership, log }: Node, { handover }: MasterLock): void {
  const losses = listPossibleLosses(follower.view, {
    self: membership.name,
    masterStopped: handover?.masterStopped === true,
  });
  for (const { of, why } of losses) {
    log.warn({ node: of }, `promoting this node may lose data that only ${JSON.stringify(of)} has: ${why}`);
  }
}
