import type { EtcdApi, Operation, Transaction } from "@msdha/etcd-client";
import { rangeAnswer } from "@msdha/etcd-client";
import { LockLostError, retryWhileLeased } from "@msdha/etcd-lock";
import type { Ask } from "./ask.ts";
import type { GroupKeys } from "./keys.ts";
import type { LockOptions, MasterLock } from "./master-lock.ts";
import { type Term, writeTerm } from "./term.ts";

export interface PublishOptions extends LockOptions {
  /** The order of an operator that is carried out with this, and taken away. */
  readonly order?: Pick<Ask, "kind" | "node"> | undefined;
  /** The record of this master's time, and the tokens of those that are forgotten for it. Default: none is kept. */
  readonly history?: { readonly term: Term; readonly forget: readonly number[] } | undefined;
}

/**
 * Publishes `master` in the node key and sets the group's TTL to one's own, if lock and node key are ours; the
 * caller has waited for its turn. Rejects with a `LockLostError` when they are not, with the lease's reason
 * when it is lost first, or with the reason of `signal`.
 */
export async function publishMaster(
  etcd: EtcdApi,
  keys: GroupKeys,
  { token }: MasterLock,
  { membership, ttlSeconds, clock, signal, history, order }: PublishOptions,
): Promise<void> {
  const { lease, name } = membership;
  const node = keys.node(name);
  const publication: Transaction = {
    compare: [
      { key: keys.lock, target: "create", is: "=", value: token },
      // A restored etcd counts its revisions again: another node's lock can have our token.
      { key: keys.lock, target: "lease", is: "=", value: lease.id },
      { key: node, target: "mod", is: "=", value: membership.modRevision },
    ],
    success: [
      { type: "put", key: node, value: "master", lease: lease.id },
      { type: "put", key: keys.ttl, value: String(ttlSeconds) },
      { type: "put", key: keys.lastMaster, value: JSON.stringify({ node: name, token }) },
      { type: "delete", key: keys.election },
      ...membership.since(),
      ...(history ? recordTerm(keys, history) : []),
      ...(order ? [{ type: "delete", key: keys.ask(order.kind, order.node) } as const] : []),
    ],
    failure: [
      { type: "range", key: keys.lock },
      { type: "range", key: node },
    ],
  };
  const result = await retryWhileLeased(lease, { clock, signal }, (call) => etcd.txn(publication, call));
  if (result.succeeded) {
    membership.entered("master", result.revision);
    return;
  }
  const [lock] = rangeAnswer(result, 0);
  const [present] = rangeAnswer(result, 1);
  const published = present?.value === "master" && present.lease === lease.id;
  if (lock?.createRevision !== token || lock.lease !== lease.id || !published) throw new LockLostError(token);
  membership.entered("master", present.modRevision);
}

function recordTerm(
  keys: GroupKeys,
  { term, forget }: NonNullable<PublishOptions["history"]>,
): readonly Operation[] {
  const record: Operation = { type: "put", key: keys.term(term.token), value: writeTerm(term) };
  const forgotten = forget.filter((token) => token !== term.token);
  return [record, ...forgotten.map((token): Operation => ({ type: "delete", key: keys.term(token) }))];
}
