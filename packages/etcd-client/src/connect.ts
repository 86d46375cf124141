import { systemClock } from "@msdha/clock";
import type { EtcdApi } from "./api.ts";
import { combineMembers } from "./combine.ts";
import { EtcdUnavailableError } from "./errors.ts";
import { type ConnectOptions, connectMember } from "./member.ts";
import type { EtcdSettings } from "./settings.ts";

/** A cluster's client; dispose closes its connections, and what runs on them fails with `EtcdUnavailableError`. */
export interface Etcd extends EtcdApi, AsyncDisposable {}

/**
 * Makes a client of a whole cluster. It dials when it is asked something, so it neither waits nor fails here.
 *
 * - Each call goes to the member that answered last, and to the next one when that fails or takes too long: reads,
 *   renewals and revocations *beside* it (after 500 ms, less when `timeoutMs` is short) and the first answer wins;
 *   transactions and grants *instead* of it. It goes round until `timeoutMs` is over. With one endpoint the second
 *   member is a second connection.
 * - `EtcdUnavailableError` is the failure of a member; every other error is an answer and ends the call at once, but
 *   `EtcdAuthError` only when most members have said it. That a lease is gone is asked twice, with a linearizable read
 *   in between.
 * - `watch` opens on one member. When it breaks, or is given up by aborting its signal with an
 *   `EtcdUnavailableError`, the next `watch` opens on another.
 *
 * Not promised: that a write is carried out once (see `EtcdApi`).
 */
export function connectEtcd(settings: EtcdSettings, { clock = systemClock }: ConnectOptions = {}): Etcd {
  const indexes = settings.endpoints.map((_, index) => index);
  const members = (indexes.length === 1 ? [0, 0] : indexes).map((index) =>
    connectMember(settings, index, { clock }),
  );
  const closing = new AbortController();
  return {
    ...combineMembers(members, { clock, signal: closing.signal }),
    async [Symbol.asyncDispose]() {
      closing.abort(new EtcdUnavailableError("the etcd client is closed"));
      await Promise.all(members.map((member) => member[Symbol.asyncDispose]()));
    },
  };
}
