import { type Clock, withTimeout } from "@msdha/clock";
import type { IResponseHeader } from "etcd3";
import type { ClusterIdentity, EtcdMemberInfo } from "./cluster-identity.ts";
import type { Connection } from "./connection.ts";
import { type EtcdClusterError, EtcdUnavailableError, isEtcdError } from "./errors.ts";
import { identify } from "./identify.ts";

/** Who is at the other end of a link's connections. */
export interface Identification {
  /** Resolves when the connection leads to a member of the cluster. Nothing else is asked on it before. */
  identified(connection: Connection): Promise<EtcdMemberInfo | undefined>;
  /** Returns what compares the header of an answer. It throws when the answer is of another cluster. */
  checkHeader(connection: Connection): (header: IResponseHeader) => void;
  /** Throws if the member answered for another cluster not long ago. */
  refuseForeign(): void;
}

export interface IdentificationOptions {
  /** The member's address, for messages. */
  readonly address: string;
  readonly clock: Clock;
  readonly identity: ClusterIdentity;
  /** Closes a connection that leads to another cluster, with all that runs on it. */
  readonly drop: (connection: Connection) => void;
}

/** How long a member has to say who it is. */
const IDENTIFY_MS = 5_000;
/** How long a member of another cluster is left out before it is asked again who it is. */
const FOREIGN_MS = 30_000;

export function createIdentification(options: IdentificationOptions): Identification {
  const { address, clock, identity, drop } = options;
  const identities = new WeakMap<Connection, Promise<EtcdMemberInfo | undefined>>();
  let foreign: { readonly error: EtcdClusterError; readonly until: number } | undefined;

  function identified(connection: Connection): Promise<EtcdMemberInfo | undefined> {
    const known = identities.get(connection);
    if (known !== undefined) return known;
    const asking = ask(connection);
    asking.catch(() => identities.delete(connection));
    identities.set(connection, asking);
    return asking;
  }

  async function ask(connection: Connection): Promise<EtcdMemberInfo | undefined> {
    // gRPC's own limit, by the wall clock, is only there for what ours has let go of.
    const deadline = new Date(Date.now() + 2 * IDENTIFY_MS);
    const member = await withTimeout(clock, IDENTIFY_MS, (signal) =>
      identify(connection, address, { signal, deadline }),
    );
    if (member) guard(connection, () => identity.admit(member));
    return member;
  }

  function guard(connection: Connection, check: () => void): void {
    try {
      check();
      foreign = undefined;
    } catch (error) {
      if (!isEtcdError(error, "ERR_ETCD_CLUSTER")) throw error;
      foreign = { error, until: clock.now() + FOREIGN_MS };
      drop(connection);
      throw unavailable(error);
    }
  }

  return {
    identified,
    checkHeader:
      (connection) =>
      ({ cluster_id }) =>
        guard(connection, () => identity.check(address, cluster_id)),
    refuseForeign() {
      if (foreign && clock.now() < foreign.until) throw unavailable(foreign.error);
    },
  };
}

/** For a call, a member of another cluster is a member that is not there. */
function unavailable(error: EtcdClusterError): EtcdUnavailableError {
  return new EtcdUnavailableError(error.message, { cause: error });
}
