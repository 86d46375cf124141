/** What a node has seen of the group, at one revision of etcd. */
export interface SeenGroup {
  readonly revision: number;
  /** There is a published master. */
  readonly hasMaster: boolean;
  /** A node has the lock. */
  readonly hasHolder: boolean;
  /** The fencing token of the newest master that was ever published; 0: none was. */
  readonly newestTerm: number;
}

/**
 * Returns whether the master with this token is over for good: no node can begin to follow it any more. A token is the
 * revision at which its lock was taken, a lock that is gone never comes back, and a master writes no record before it is
 * published. False also where that is not seen yet.
 */
export function isOver(token: string, seen: SeenGroup): boolean {
  if (seen.hasMaster) return false;
  if (Number(token) <= seen.newestTerm) return true;
  return !seen.hasHolder && Number(token) <= seen.revision;
}

/** Returns what is in the answer of `msdha-backend view`. Throws where it is none. */
export function parseView(text: string): SeenGroup {
  const { status } = JSON.parse(text) as {
    readonly status: {
      readonly revision: number;
      readonly master: { readonly kind: string };
      readonly holder?: string;
      readonly terms: readonly { readonly token: number }[];
    };
  };
  return {
    revision: status.revision,
    hasMaster: status.master.kind === "master",
    hasHolder: status.holder !== undefined,
    newestTerm: Math.max(0, ...status.terms.map(({ token }) => token)),
  };
}
