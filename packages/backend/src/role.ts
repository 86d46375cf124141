import type { Lease, LeaseProof } from "@msdha/etcd-lease";
import type { GroupKeys, Lead, Term } from "@msdha/group";

/** What a node is in its group, as far as the lock goes. */
export type Role = Candidate | Waiting | Settled | Master | Leaving;

/** Has no lock. */
export interface Candidate {
  readonly kind: "candidate";
}

/** Holds the lock. Something that a former master started may still be alive. */
export interface Waiting {
  readonly kind: "waiting";
  readonly lead: Lead;
}

/** Holds the lock, and nothing of a former master is alive: it holds the election, and may hand the lock over. */
export interface Settled {
  readonly kind: "settled";
  readonly lead: Lead;
}

/** Is published as the master. */
export interface Master {
  readonly kind: "master";
  readonly lead: Lead;
  /** The revision that opened traffic which was held back; undefined before, and where none is held back. */
  readonly trafficSince: number | undefined;
  /** What the group's history says of its time. */
  readonly term: Term;
}

/** Gives up by itself what it has: first its node key, then everything that runs, then its lock. */
export interface Leaving {
  readonly kind: "leaving";
  /** What has been given up last, or is being given up now. */
  readonly step: LeavingStep;
  /** What the node was when it began to leave. */
  readonly former: Candidate | Waiting | Settled | Master;
}

export type LeavingStep = "key" | "programs" | "lock";

/** Which role may follow which. */
const FOLLOWING: Readonly<Record<Role["kind"], readonly Role["kind"][]>> = {
  candidate: ["waiting", "leaving"],
  waiting: ["settled", "leaving"],
  settled: ["master", "candidate", "leaving"],
  master: ["master", "leaving"],
  leaving: ["leaving"],
};

/** A node's role. This is the only place that changes it. */
export interface RoleKeeper {
  readonly role: Role;
  /** Throws for a role that can't follow the present one. */
  become(next: Role): void;
}

/** Makes a node a candidate, and has its lease prove what its role rests on from then on. */
export function keepRole(lease: Lease, { keys, name }: ProofOwner): RoleKeeper {
  let role: Role = { kind: "candidate" };
  let proof = proofOf(role, { keys, name, lease: lease.id });
  lease.prove(proof);
  return {
    get role() {
      return role;
    },
    become(next) {
      if (!FOLLOWING[role.kind].includes(next.kind)) {
        throw new Error(`a node that is ${role.kind} can't become ${next.kind}`);
      }
      role = next;
      const wanted = proofOf(role, { keys, name, lease: lease.id });
      if (wanted?.key === proof?.key && wanted?.createRevision === proof?.createRevision) return;
      proof = wanted;
      lease.prove(proof);
    },
  };
}

export interface ProofOwner {
  readonly keys: GroupKeys;
  readonly name: string;
}

/** Returns what the lease of a node must prove: the lock for one that has it, its node key for one that has not. */
export function proofOf(
  role: Role,
  { keys, name, lease }: ProofOwner & { readonly lease: Lease["id"] },
): LeaseProof | undefined {
  const former = role.kind === "leaving" ? role.former : role;
  if (former.kind !== "candidate") {
    return { key: keys.lock, createRevision: former.lead.token, written: keys.proof(lease) };
  }
  return role.kind === "leaving" ? undefined : { key: keys.node(name) };
}

/** Returns the lock that the node must still have: none once it has begun to give it back. */
export function heldLock(role: Role): Lead | undefined {
  if (role.kind === "candidate" || (role.kind === "leaving" && role.step === "lock")) return undefined;
  return role.kind === "leaving" ? heldLock(role.former) : role.lead;
}

/** The same, for a node that may act as the only one: nothing of a former master is alive. */
export function settledLock(role: Role): Lead | undefined {
  const { kind } = role.kind === "leaving" ? role.former : role;
  return kind === "settled" || kind === "master" ? heldLock(role) : undefined;
}

/** Returns the revision since which traffic that was held back is open; undefined where it is not. */
export function openTrafficSince(role: Role): number | undefined {
  if (role.kind === "leaving") return openTrafficSince(role.former);
  return role.kind === "master" ? role.trafficSince : undefined;
}

/** Returns what the history says of the time of a node that was published; undefined for any other. */
export function ownTerm(role: Role): Term | undefined {
  if (role.kind === "leaving") return ownTerm(role.former);
  return role.kind === "master" ? role.term : undefined;
}

/** Returns the role of a node that has come to this step of a stop. */
export function leaving(role: Role, step: LeavingStep): Leaving {
  return { kind: "leaving", step, former: role.kind === "leaving" ? role.former : role };
}
