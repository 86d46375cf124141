import { type Clock, systemClock } from "@msdha/clock";
import type { Lookup } from "./addresses.ts";
import type { CallOptions, EtcdApi } from "./api.ts";
import { checkArguments } from "./check-arguments.ts";
import { checkSettings } from "./check-settings.ts";
import { createClusterIdentity, type EtcdMemberInfo } from "./cluster-identity.ts";
import { combineSource } from "./combine.ts";
import { EtcdUnavailableError, isEtcdError } from "./errors.ts";
import { createKeyCalls, type KeyCalls } from "./key-calls.ts";
import type { ConnectOptions } from "./member.ts";
import { createPool, type MemberPool } from "./pool.ts";
import { parseEndpoints } from "./read-settings.ts";
import { checkSameCluster, type KnownMember } from "./same-cluster.ts";
import type { EtcdSettings } from "./settings.ts";

/** A cluster's client; dispose closes its connections, and what runs on them fails with `EtcdUnavailableError`. */
export interface Etcd extends Omit<EtcdApi, "range">, KeyCalls, AsyncDisposable {
  /**
   * Asks every member at every address of every endpoint who it is, and whether all hold the same. Resolves with what
   * those that answer within `timeoutMs` say; their connections are open afterwards. Rejects with an `EtcdClusterError`
   * if two are of different clusters, or with the reason of `signal`.
   */
  inspect(options: CallOptions): Promise<readonly EtcdMemberInfo[]>;
}

export interface ConnectEtcdOptions extends ConnectOptions {
  /** Finds the addresses of a host. Default: the system's way, which `/etc/hosts` and search domains are part of. */
  readonly lookup?: Lookup;
}

/**
 * Makes a client of a whole cluster, by its settings or by one text of comma-separated URLs, as `ETCDCTL_ENDPOINTS` has
 * them. It dials when it is asked something, so it neither waits nor fails here; but it throws a `TypeError` for a text
 * that can't be read, and for settings that are none.
 *
 * - Every address of an endpoint's host is a member. Names are looked up when they are first needed, after a member has
 *   failed, and every 30 s while calls are made. An address that was connected is kept while its name can't be resolved.
 * - What a member says first, on every new connection, is which cluster it belongs to. A member of another cluster than
 *   the first one's counts as unavailable, and is reported to `onForeign`.
 * - Each call goes to the member that answered last, and to the next one when that fails or takes too long: reads,
 *   renewals and revocations *beside* it (after 500 ms, less when `timeoutMs` is short) and the first answer wins;
 *   transactions and grants *instead* of it. It goes round until `timeoutMs` is over. A read of a
 *   prefix is not sent again to a member before it has failed there. With one address the second member is a second
 *   connection.
 * - `EtcdUnavailableError` is the failure of a member; every other error is an answer and ends the call at once, but
 *   `EtcdAuthError` only when most members have said it. That a lease is gone is asked twice, with a linearizable read
 *   in between.
 * - `watch` opens on one member. When it breaks, or is given up by aborting its signal with an
 *   `EtcdUnavailableError`, the next `watch` opens on another.
 *
 * Not promised: that a write is carried out once (see `EtcdApi`).
 */
export function connectEtcd(
  etcd: EtcdSettings | string,
  { clock = systemClock, lookup, ...options }: ConnectEtcdOptions = {},
): Etcd {
  const settings = typeof etcd === "string" ? parseEndpoints(etcd) : checkSettings(etcd);
  const pool = createPool(settings, { clock, identity: createClusterIdentity(options), lookup });
  const closing = new AbortController();
  const api = checkArguments(combineSource(pool, { clock, signal: closing.signal }));
  return {
    ...api,
    ...createKeyCalls(api),
    inspect: (call) => inspect(pool, { clock, ...call }),
    async [Symbol.asyncDispose]() {
      closing.abort(new EtcdUnavailableError("the etcd client is closed"));
      await pool[Symbol.asyncDispose]();
    },
  };
}

async function inspect(
  pool: MemberPool,
  { clock, timeoutMs, signal }: CallOptions & { readonly clock: Clock },
): Promise<readonly EtcdMemberInfo[]> {
  const members = await pool.all({ timeoutMs, signal });
  const outcomes = await Promise.allSettled(
    members.map(async (api) => ({ api, info: await api.identify({ timeoutMs, signal }) })),
  );
  signal?.throwIfAborted();
  const known: KnownMember[] = [];
  for (const outcome of outcomes) {
    if (outcome.status === "rejected") {
      const { cause } = outcome.reason as Error;
      if (isEtcdError(cause, "ERR_ETCD_CLUSTER")) throw cause;
    } else {
      const { api, info } = outcome.value;
      if (info && !known.some((other) => other.info.endpoint === info.endpoint)) known.push({ api, info });
    }
  }
  await checkSameCluster(known, { clock, timeoutMs, signal });
  return known.map(({ info }) => info);
}
