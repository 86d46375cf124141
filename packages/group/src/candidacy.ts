import type { EtcdApi } from "@msdha/etcd-client";
import type { GroupFollower } from "./follow-group.ts";
import type { LockOptions } from "./master-lock.ts";
import { untilLost } from "./until-lost.ts";
import type { GroupView } from "./view.ts";

/** Whether a node may become master, and how good a one it would make. */
export interface Candidacy {
  readonly may: boolean;
  /** The more the better, compared with the other nodes' (bytes received of a log, say). Left out: it does not compare. */
  readonly rank?: number | undefined;
}

/** How long a node that has said its rank waits to hear those of the others. */
const HEAR_OTHERS_MS = 500;

/**
 * Resolves with whether a node with this rank should take the lock now: when it has heard every other ready node that
 * ranks, or has waited for them long enough, and none is ahead. A node that is behind stands aside for one TTL, or
 * until the lock is taken or nobody is ahead any more: who is ahead may be dying. This is a preference and no
 * promise; what must not be promoted says so by `may`.
 */
export async function isFirst(
  etcd: EtcdApi,
  follower: GroupFollower,
  rank: number,
  { membership, clock, ttlSeconds, signal }: LockOptions & { readonly signal: AbortSignal },
): Promise<boolean> {
  const { name, lease } = membership;
  const { keys } = follower.view;
  const since = follower.lockHistory.freedRevision;
  const began = clock.now();
  await untilLost(lease, { clock, signal }, (call) =>
    etcd.txn(
      {
        compare: [],
        success: [{ type: "put", key: keys.rank(name), value: String(rank), lease: lease.id }],
        failure: [],
      },
      call,
    ),
  );
  for (;;) {
    const { view } = follower;
    if (view.lock) return false;
    const waitedMs = clock.now() - began;
    const rivals = listRivals(view, name, since);
    const patienceMs = rivals.some((rival) => isAhead(rival, { name, rank }))
      ? ttlSeconds * 1000
      : rivals.some((rival) => rival.rank === undefined)
        ? HEAR_OTHERS_MS
        : 0;
    if (waitedMs >= patienceMs) return true;
    await follower.changed({ since: view, timeoutMs: patienceMs - waitedMs, signal });
  }
}

interface Rival {
  readonly name: string;
  /** undefined: it has not said it since the lock is free. */
  readonly rank: number | undefined;
}

function listRivals(view: GroupView, self: string, since: number): readonly Rival[] {
  return [...view.nodes]
    .filter(([name, { state }]) => name !== self && state === "ready" && view.details.get(name)?.ranks)
    .map(([name]) => {
      const said = view.ranks.get(name);
      return { name, rank: said && said.modRevision > since ? said.rank : undefined };
    });
}

/** Nodes that are equally far are ordered by their names, so that one of them goes first. */
function isAhead(rival: Rival, self: { readonly name: string; readonly rank: number }): boolean {
  if (rival.rank === undefined) return false;
  return rival.rank > self.rank || (rival.rank === self.rank && rival.name < self.name);
}
