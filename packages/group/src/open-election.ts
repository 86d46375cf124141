import { type EtcdApi, rangeAnswer, type Transaction } from "@msdha/etcd-client";
import { LockLostError, retryWhileLeased } from "@msdha/etcd-lock";
import type { GroupFollower } from "./follow-group.ts";
import type { LockOptions, MasterLock } from "./master-lock.ts";

/**
 * Asks all candidates: the lock's holder alone can. Resolves with the round. A request that is carried out late opens no
 * other round.
 */
export async function openElection(
  etcd: EtcdApi,
  { view }: GroupFollower,
  { token }: Pick<MasterLock, "token">,
  { membership, clock, signal }: LockOptions,
): Promise<number> {
  const { keys } = view;
  const { lease, name } = membership;
  let last = view.election?.round ?? 0;
  for (;;) {
    const attempt: Transaction = {
      compare: [
        { key: keys.lock, target: "create", is: "=", value: token },
        // A restored etcd counts its revisions again: another node's lock can have our token.
        { key: keys.lock, target: "lease", is: "=", value: lease.id },
        { key: keys.election, target: "mod", is: "=", value: last },
      ],
      success: [{ type: "put", key: keys.election, value: name, lease: lease.id }],
      failure: [
        { type: "range", key: keys.lock },
        { type: "range", key: keys.election },
      ],
    };
    const result = await retryWhileLeased(lease, { clock, signal }, (call) => etcd.txn(attempt, call));
    if (result.succeeded) return result.revision;
    const [lock] = rangeAnswer(result, 0);
    if (lock?.createRevision !== token || lock.lease !== lease.id) throw new LockLostError(token);
    // An earlier try went through, or the watch is late.
    last = rangeAnswer(result, 1)[0]?.modRevision ?? 0;
  }
}
