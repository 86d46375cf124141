import { confirmLock, settle } from "@msdha/etcd-lock";
import {
  type Candidate,
  type Choice,
  campaign,
  giveBackLock,
  holdElection,
  isChosen,
  type LockOptions,
  type MasterLock,
  prepareHandover,
  publishMaster,
  type Term,
} from "@msdha/group";
import { createCandidateHook } from "./candidate-hook.ts";
import { endAfterTerm } from "./master-term.ts";
import type { Node } from "./node.ts";
import { beginTerm, openTerm, recordOf } from "./own-term.ts";
import { listPossibleLosses, type PossibleLoss } from "./possible-losses.ts";
import { writeLastEnd, writeLastTerm, writeMaster } from "./run-file-writes.ts";
import { runStateHook } from "./state-hook.ts";

/** How long a node that gave the lock back leaves it to the others. */
const ASK_AGAIN_MS = 1_000;

/**
 * Takes a node that is ready from candidate to master. Every step ends at once when the node does. The order of the
 * steps is the safety argument of docs/protocol.md.
 */
export async function becomeMaster(node: Node): Promise<void> {
  const candidate = node.present.candidate ? createCandidateHook(node) : undefined;
  for (;;) {
    const lock = await takeLock(node, candidate);
    await waitForFormer(node, lock);
    const chosen = await choose(node, lock, candidate);
    if (chosen === node.membership.name) {
      const term = await publish(node, lock);
      await promote(node, lock, term);
      return;
    }
    await leaveLockTo(chosen, node, lock);
  }
}

/** Competes for the lock until the node has it, and has its lease prove it from then on (rules 1 and 6). */
async function takeLock(node: Node, candidate: Candidate | undefined): Promise<MasterLock> {
  const { etcd, observed, follower, log } = node;
  const lock = await campaign(etcd, follower, { ...lockOptions(node), observed, candidate });
  node.become({ kind: "waiting", lock });
  log.info({ token: lock.token, via: lock.via, waitMs: lock.waitMs }, "took the master lock");
  return lock;
}

/** Waits until nothing of a former master can be alive (rule 4), or not at all after a hand-over (rule 7). */
async function waitForFormer(node: Node, lock: MasterLock): Promise<void> {
  const { observed, clock, follower, end } = node;
  await settle(follower, lock, { clock, observed, signal: end.begun });
  node.become({ kind: "settled", lock });
}

/**
 * Resolves with the node that should be promoted; undefined when none may. What the nodes answer now, with the lock in
 * hand and the former master gone, no former master can change any more.
 */
async function choose(
  node: Node,
  lock: MasterLock,
  candidate: Candidate | undefined,
): Promise<string | undefined> {
  const { etcd, follower, membership, lease, log } = node;
  const { name } = membership;
  const asked = candidate !== undefined;
  if (isChosen(follower.view, lock.handover, { name, lease: lease.id, asked })) return name;
  const choice = await holdElection(etcd, follower, lock, { ...lockOptions(node), candidate });
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

/** Writes state `master`, with the fence armed before (rule 2) and the token compared (rule 5). */
async function publish(node: Node, lock: MasterLock): Promise<Term> {
  const { etcd, follower, fence, permission, log } = node;
  const term = beginTerm(node, lock, findLosses(node, lock));
  await Promise.all([fence.arm(), permission.prove()]);
  const history = recordOf(node, term);
  await publishMaster(etcd, follower.view.keys, lock, { ...lockOptions(node), history });
  node.become({ kind: "master", lock, trafficSince: undefined, term });
  log.info({ token: lock.token }, "is the master");
  return term;
}

/** Runs the `master` hook, and lets traffic go on that was held back until then. */
async function promote(node: Node, lock: MasterLock, term: Term): Promise<void> {
  const { clock, config, end, etcd, follower, lease, log, membership } = node;
  const published = clock.now();
  // Whatever asks a master to end begins here.
  endAfterTerm(node);
  await Promise.all([
    writeMaster(node, true),
    writeLastEnd(node, { end: "unclean", state: "master" }),
    writeLastTerm(node, { token: lock.token, run: term.run }),
  ]);
  // Time may have been lost since the publication, with or without this machine's clock.
  const confirmed = confirmLock(etcd, follower.view.keys, lock, { lease, clock, signal: end.begun });
  // Etcd may have taken long to publish, in which a process can have become another user's.
  await Promise.all([confirmed, node.permission.prove()]);
  await runStateHook(node, "master");
  if (config.traffic !== "after_hook") return;
  const served = openTerm(term, clock.now() - published);
  const trafficSince = await membership.openTraffic({ signal: end.begun, term: served });
  node.become({ kind: "master", lock, trafficSince, term: served });
  log.info("frontends may send traffic");
}

/**
 * Gives the lock back with a hand-over: nothing of this node was promoted, and nothing of the former master is alive.
 * Where no node may be master, it is left to the others for a moment.
 */
async function leaveLockTo(chosen: string | undefined, node: Node, lock: MasterLock): Promise<void> {
  const { etcd, clock, follower, end, log } = node;
  const options = lockOptions(node);
  const handover = await prepareHandover(etcd, options);
  end.begun.throwIfAborted();
  node.become({ kind: "candidate" });
  await giveBackLock(etcd, follower.view.keys, lock, { ...options, handover, for: chosen });
  if (chosen !== undefined) {
    log.info({ token: lock.token, chosen }, "left the master lock to the node that was chosen");
    return;
  }
  log.info("gave the master lock back: no node may be master now");
  await clock.sleep(ASK_AGAIN_MS, { signal: end.begun });
}

function lockOptions({
  membership,
  clock,
  config,
  end,
}: Node): LockOptions & { readonly signal: AbortSignal } {
  return { membership, clock, ttlSeconds: config.ttlSeconds, signal: end.begun };
}

function describe({ voters }: Choice): string {
  return voters
    .map(({ name, candidacy }) => {
      if (!candidacy) return `${name}: none`;
      return `${name}: ${candidacy.may ? (candidacy.rank ?? "yes") : "no"}`;
    })
    .join(", ");
}

/** Warns of what the promotion may lose, and returns it for the history. */
function findLosses({ follower, membership, log }: Node, { handover }: MasterLock): readonly PossibleLoss[] {
  const losses = listPossibleLosses(follower.view, {
    self: membership.name,
    masterStopped: handover?.masterStopped === true,
  });
  for (const { of, why } of losses) {
    log.warn({ node: of }, `promoting this node may lose data that only ${JSON.stringify(of)} has: ${why}`);
  }
  return losses;
}
