import { type Ask, type Choice, campaign, isChosen, type Lead, type Term } from "@msdha/group";
import { type CandidateHook, createCandidateHook } from "./candidate-hook.ts";
import { findLosses } from "./find-losses.ts";
import { endAfterTerm } from "./master-term.ts";
import type { Node } from "./node.ts";
import { beginTerm, openTerm, recordOf } from "./own-term.ts";
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
    const lead = await takeLock(node, candidate);
    await waitForFormer(node, lead);
    const chosen = await choose(node, lead, candidate);
    if (chosen !== node.membership.name) await leaveLockTo(chosen, node, lead);
    else if (candidate?.order && !(await accept(node, lead, candidate.order)))
      await leaveLockTo(undefined, node, lead);
    else {
      const term = await publish(node, lead, candidate?.order);
      await promote(node, lead, term);
      return;
    }
  }
}

/** Competes for the lock until the node has it, and has its lease prove it from then on (rules 1 and 6). */
async function takeLock(node: Node, candidate: CandidateHook | undefined): Promise<Lead> {
  const { clock, config, end, etcd, follower, log, membership, observed } = node;
  const { ttlSeconds } = config;
  const options = { membership, clock, ttlSeconds, signal: end.begun, observed, candidate };
  const lead = await campaign(etcd, follower, options);
  node.become({ kind: "waiting", lead });
  log.info({ token: lead.token, takenAfter: lead.takenAfter, waitMs: lead.waitMs }, "took the master lock");
  return lead;
}

/** Waits until nothing of a former master can be alive (rule 4), or not at all after a hand-over (rule 7). */
async function waitForFormer(node: Node, lead: Lead): Promise<void> {
  await lead.settled();
  node.become({ kind: "settled", lead });
}

/**
 * Resolves with the node that should be promoted; undefined when none may. What the nodes answer now, with the lock in
 * hand and the former master gone, no former master can change any more.
 */
async function choose(
  node: Node,
  lead: Lead,
  candidate: CandidateHook | undefined,
): Promise<string | undefined> {
  const { follower, membership, lease, log } = node;
  const { name } = membership;
  const asked = candidate !== undefined;
  if (isChosen(follower.view, lead.handover, { name, lease: lease.id, asked })) return name;
  const choice = await lead.elect();
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

/** Accepts an operator's order. Resolves with whether it is still there: an order that is gone promotes nobody. */
async function accept({ log }: Node, lead: Lead, order: Ask): Promise<boolean> {
  const { by, why } = order;
  const isAccepted = await lead.accept(order);
  if (isAccepted) log.warn({ by, why }, "is promoted by an operator's order, though data may be lost");
  else log.warn({ by }, "the operator's order to promote this node was withdrawn: leaving the lock");
  return isAccepted;
}

/** Writes state `master`, with the fence armed before (rule 2) and the token compared (rule 5). */
async function publish(node: Node, lead: Lead, order: Ask | undefined): Promise<Term> {
  const { fence, permission, log } = node;
  const term = beginTerm(node, lead, findLosses(node, lead), order);
  await Promise.all([fence.arm(), permission.prove()]);
  await lead.publish({ history: recordOf(node, term), order });
  node.become({ kind: "master", lead, trafficSince: undefined, term });
  log.info({ token: lead.token }, "is the master");
  return term;
}

/** Runs the `master` hook, and lets traffic go on that was held back until then. */
async function promote(node: Node, lead: Lead, term: Term): Promise<void> {
  const { clock, config, end, log, membership, permission } = node;
  const published = clock.now();
  // Whatever asks a master to end begins here.
  endAfterTerm(node);
  await Promise.all([
    writeMaster(node, true),
    writeLastEnd(node, { end: "unclean", state: "master" }),
    writeLastTerm(node, { token: lead.token, run: term.run }),
  ]);
  // Time may have been lost since the publication, with or without this machine's clock, and a process can have become
  // another user's meanwhile.
  await Promise.all([lead.confirm(), permission.prove()]);
  await runStateHook(node, "master");
  if (config.traffic !== "after_hook") return;
  const served = openTerm(term, clock.now() - published);
  const trafficSince = await membership.openTraffic({ signal: end.begun, term: served });
  node.become({ kind: "master", lead, trafficSince, term: served });
  log.info("frontends may send traffic");
}

/**
 * Gives the lock back with a hand-over: nothing of this node was promoted, and nothing of the former master is alive.
 * Where no node may be master, it is left to the others for a moment.
 */
async function leaveLockTo(chosen: string | undefined, node: Node, lead: Lead): Promise<void> {
  const { clock, end, log } = node;
  const handover = await lead.prepareHandover({ signal: end.begun });
  end.begun.throwIfAborted();
  node.become({ kind: "candidate" });
  await lead.giveBack({ handover, for: chosen, signal: end.begun });
  if (chosen !== undefined) {
    log.info({ token: lead.token, chosen }, "left the master lock to the node that was chosen");
    return;
  }
  log.info("gave the master lock back: no node may be master now");
  await clock.sleep(ASK_AGAIN_MS, { signal: end.begun });
}

function describe({ voters }: Choice): string {
  return voters
    .map(({ name, candidacy }) => {
      if (!candidacy) return `${name}: none`;
      return `${name}: ${candidacy.may ? (candidacy.rank ?? "yes") : "no"}`;
    })
    .join(", ");
}
