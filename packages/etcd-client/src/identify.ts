import { Metadata } from "@grpc/grpc-js";
import { type IResponseHeader, LeaseClient, MaintenanceClient } from "etcd3";
import { type Callable, createCallable, type Limits } from "./callable.ts";
import { castError } from "./cast-error.ts";
import type { EtcdMemberInfo } from "./cluster-identity.ts";
import type { Connection } from "./connection.ts";

/** A lease that nobody has: only who answers is of interest. */
const NO_LEASE = "1";

/**
 * Asks the member at the other end of a connection who it is. It is asked without user and without a leader: a member
 * that has lost its cluster still knows its own. Where the status is not open to everybody, any other answer tells the
 * cluster, but not the version. Resolves with undefined where nothing is: later answers are compared all the same.
 */
export async function identify(
  connection: Connection,
  endpoint: string,
  limits: Limits,
): Promise<EtcdMemberInfo | undefined> {
  return await askWho(createCallable(connection, new Metadata(), limits), endpoint);
}

/** The same by an ordinary call, which may have a user: newer versions of etcd answer no other client. */
export async function askWho(rpc: Callable, endpoint: string): Promise<EtcdMemberInfo | undefined> {
  try {
    const { header, version } = await new MaintenanceClient(rpc).status();
    return info(endpoint, header, version);
  } catch (error) {
    if (!isRefusal(error, endpoint)) throw error;
  }
  try {
    const { header } = await new LeaseClient(rpc).leaseTimeToLive({ ID: NO_LEASE });
    return info(endpoint, header, undefined);
  } catch (error) {
    if (!isRefusal(error, endpoint)) throw error;
    return undefined;
  }
}

function info(endpoint: string, header: IResponseHeader, version: string | undefined): EtcdMemberInfo {
  return { endpoint, clusterId: header.cluster_id, memberId: header.member_id, version };
}

/** Whether the member has answered, though not with what was asked. */
function isRefusal(error: unknown, endpoint: string): boolean {
  const { code } = castError(error, endpoint);
  return code !== "ERR_ETCD_UNAVAILABLE";
}
