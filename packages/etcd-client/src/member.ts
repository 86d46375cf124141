import { type Clock, systemClock } from "@msdha/clock";
import { KVClient, LeaseClient } from "etcd3";
import type { CallOptions, EtcdApi } from "./api.ts";
import { checkSettings } from "./check-settings.ts";
import {
  type ClusterIdentityOptions,
  createClusterIdentity,
  type EtcdMemberInfo,
} from "./cluster-identity.ts";
import { isEtcdError } from "./errors.ts";
import { askWho } from "./identify.ts";
import { keepAliveOnce } from "./keep-alive.ts";
import { createLink, type Link } from "./link.ts";
import { rangeResult, readRequest, txnRequest, txnResult } from "./messages.ts";
import { type EtcdSettings, targetOf } from "./settings.ts";
import { withSize } from "./too-large.ts";
import { openWatch } from "./watch-stream.ts";

/** One member of a cluster, or its one endpoint; dispose closes the connection, and what runs on it fails. */
export interface EtcdMember extends EtcdApi, AsyncDisposable {
  /** Resolves with what the member says of itself; undefined if it refuses to. Rejects as a call does. */
  identify(options: CallOptions): Promise<EtcdMemberInfo | undefined>;
}

export interface ConnectOptions extends ClusterIdentityOptions {
  /** Default: the boot-time clock. */
  readonly clock?: Clock;
}

/**
 * Makes a client of the member `settings.endpoints[index]` alone, over one TCP connection. It dials when it is asked
 * something, never in between. Nothing is tried twice, except that a token which etcd does not take (any more) is
 * renewed once. A connection on which nothing came back for a while is closed, with all that runs on it, and the
 * next call dials again. Before anything else a new connection is asked who is at its other end: a member of another
 * cluster than that which answered first is left out.
 */
export function connectMember(
  settings: EtcdSettings,
  index: number,
  { clock = systemClock, ...options }: ConnectOptions = {},
): EtcdMember {
  const { endpoints, user, tls } = checkSettings(settings);
  const endpoint = endpoints[index];
  if (!endpoint) throw new RangeError(`expected an endpoint number below ${endpoints.length}, got ${index}`);
  const identity = createClusterIdentity(options);
  return linkedMember(createLink({ target: targetOf(endpoint), user, tls, clock, identity }));
}

/** Makes a client of the member that a link leads to. */
export function linkedMember(link: Link): EtcdMember {
  return {
    range: (range, options) =>
      link.call(options, async ({ rpc }) =>
        rangeResult(range, await new KVClient(rpc).range(readRequest(range))),
      ),
    async txn(transaction, options) {
      try {
        return await link.call(options, async ({ rpc }) =>
          txnResult(transaction, await new KVClient(rpc).txn(txnRequest(transaction))),
        );
      } catch (error) {
        throw isEtcdError(error, "ERR_ETCD_TOO_LARGE") ? withSize(error, transaction, link.address) : error;
      }
    },
    leaseGrant: (ttlSeconds, options) =>
      link.call(options, async ({ rpc }) => {
        const { ID, TTL } = await new LeaseClient(rpc).leaseGrant({ TTL: ttlSeconds });
        return { id: ID, ttlSeconds: Number(TTL) };
      }),
    leaseKeepAlive: (id, options) => link.call(options, (attempt) => keepAliveOnce(id, attempt)),
    async leaseRevoke(id, options) {
      try {
        await link.call(options, ({ rpc }) => new LeaseClient(rpc).leaseRevoke({ ID: id }));
      } catch (error) {
        if (!isEtcdError(error, "ERR_ETCD_LEASE_NOT_FOUND")) throw error;
      }
    },
    leaseTimeToLive: (id, options) =>
      link.call(options, async ({ rpc }) => {
        const { TTL } = await new LeaseClient(rpc).leaseTimeToLive({ ID: id });
        return Number(TTL);
      }),
    watch: (request, { signal }) => openWatch(link, request, signal),
    async identify(options) {
      const info = await link.identify(options);
      if (info || !link.hasUser) return info;
      return await link.call(options, ({ rpc }) => askWho(rpc, link.address));
    },
    [Symbol.asyncDispose]: () => Promise.resolve(link.close()),
  };
}
