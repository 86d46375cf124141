import { EtcdClusterError } from "./errors.ts";

/** What a member says of itself. */
export interface EtcdMemberInfo {
  /** Where it was asked: `host:port`, with the address behind it if the host's name was looked up. */
  readonly endpoint: string;
  readonly clusterId: string;
  readonly memberId: string;
  /** `3.5.30`; undefined where the user may not ask. */
  readonly version: string | undefined;
}

/** Which cluster a client talks to: the one that answered first. */
export interface ClusterIdentity {
  /** Takes note of a member that answered on a new connection. Throws an `EtcdClusterError` if it is of another cluster. */
  admit(member: EtcdMemberInfo): void;
  /** Throws an `EtcdClusterError` if an answer is of another cluster than that which was admitted first. */
  check(endpoint: string, clusterId: string): void;
}

export interface ClusterIdentityOptions {
  /** Called for each member when it is new, and when its version has changed. Must not throw. */
  readonly onMember?: ((member: EtcdMemberInfo) => void) | undefined;
  /** Called once for each endpoint that answers for another cluster. Must not throw. */
  readonly onForeign?: ((error: EtcdClusterError) => void) | undefined;
}

export function createClusterIdentity({ onMember, onForeign }: ClusterIdentityOptions = {}): ClusterIdentity {
  let first: { readonly endpoint: string; readonly clusterId: string } | undefined;
  const versions = new Map<string, string | undefined>();
  const foreign = new Set<string>();

  function check(endpoint: string, clusterId: string): void {
    first ??= { endpoint, clusterId };
    if (clusterId === first.clusterId) return;
    const error = new EtcdClusterError(first, { endpoint, clusterId });
    const news = !foreign.has(endpoint);
    foreign.add(endpoint);
    if (news) onForeign?.(error);
    throw error;
  }

  return {
    admit(member) {
      check(member.endpoint, member.clusterId);
      foreign.delete(member.endpoint);
      const known = versions.has(member.memberId) && versions.get(member.memberId) === member.version;
      versions.set(member.memberId, member.version);
      if (!known) onMember?.(member);
    },
    check,
  };
}
