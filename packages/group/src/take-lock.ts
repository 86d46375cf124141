import type { EtcdApi, Operation } from "@msdha/etcd-client";
import { type LockKnowledge, type TakenLock, takeLock as takeAnyLock } from "@msdha/etcd-lock";
import { parseHandover } from "./handover-note.ts";
import type { GroupKeys } from "./keys.ts";
import type { LockOptions, MasterLock } from "./master-lock.ts";

/** What a node knows of the group when it tries to take the lock. Old knowledge costs a round trip, nothing else. */
export interface GroupKnowledge extends LockKnowledge {
  /** Whether candidates are to be asked: after a hand-over that happens in the same transaction. */
  readonly asksCandidates?: boolean;
}

/**
 * Tries once to take the lock. Resolves with undefined if another node holds it, and if an operator's pause of the group or
 * hold of this node forbids it: the transaction compares that there is none. After a hand-over the election is opened in
 * the same transaction; a lock that is adopted, since an answer was lost, has the round that was opened with it.
 */
export async function takeLock(
  etcd: EtcdApi,
  keys: GroupKeys,
  known: GroupKnowledge,
  { membership, ttlSeconds, clock, signal }: LockOptions,
): Promise<MasterLock | undefined> {
  const { lease, name } = membership;
  const election: Operation = { type: "put", key: keys.election, value: name, lease: lease.id };
  const lock = await takeAnyLock(etcd, keys, known, {
    lease,
    name,
    ttlSeconds,
    clock,
    signal,
    unless: [keys.ask("pause"), keys.ask("hold", name)],
    withHandover: known.asksCandidates ? [election] : [],
    readOnAdoption: [keys.election],
  });
  return lock && describe(lock, known);
}

function describe({ consumed, adopted, ...lock }: TakenLock, known: GroupKnowledge): MasterLock {
  if (lock.takenAfter === "wait") return lock;
  if (!adopted) {
    const round = known.asksCandidates ? lock.token : undefined;
    return { ...lock, round, handover: consumed && parseHandover(consumed.value) };
  }
  const [election] = adopted;
  const opened = election?.lease === lock.lease && election.modRevision === lock.token;
  // The answer was lost: the hand-over that the watch had shown is taken for the consumed one.
  const shown = known.handovers?.present;
  return { ...lock, round: opened ? lock.token : undefined, handover: shown && parseHandover(shown.value) };
}
