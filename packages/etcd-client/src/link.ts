import { Metadata } from "@grpc/grpc-js";
import { type Clock, isTimeoutError, withTimeout } from "@msdha/clock";
import { AuthClient } from "etcd3";
import type { CallOptions } from "./api.ts";
import { type Callable, createCallable } from "./callable.ts";
import {
  castError,
  castTlsError,
  type EtcdError,
  isAuthOff,
  isMissingUser,
  isStaleToken,
} from "./cast-error.ts";
import { type Connection, openConnection } from "./connection.ts";
import { EtcdUnavailableError } from "./errors.ts";
import type { EtcdSettings, EtcdUser } from "./settings.ts";
import { createTokenKeeper } from "./token.ts";

/** How long a connection must have been asked in vain to be taken for dead when a call on it is given up. */
const deadSilenceMs = 300;
/** The same when a call begins, which leaves the calls before it time to be answered: a third of its own, up to this. */
const longestSilenceMs = 2_000;
/** How long etcd may take to check a password (bcrypt, on purpose slow, and a round of consensus). */
const authTimeoutMs = 5_000;
/** gRPC's own limit, by the wall clock, is only there for what our own, by `Clock`, has let go of. */
const deadlineSlackMs = 1_000;

/** One try to do something: what to call on, and when to stop. */
export interface Attempt {
  readonly rpc: Callable;
  readonly deadline: Date;
  readonly signal: AbortSignal;
}

/** A stream's try, which has no time limit. `token` is what it showed. */
export interface StreamAttempt {
  readonly rpc: Callable;
  readonly connection: Connection;
  readonly token: string | undefined;
}

/**
 * The way to one member: a connection that is replaced when it seems dead, and a token that is renewed when it is
 * refused. No timer runs and nothing is dialled while nothing is asked.
 */
export interface Link {
  /** The member's address, for messages. */
  readonly address: string;
  /** Runs `work`, once more with a new token if the old one was refused, and casts what it throws. */
  call<T>(options: CallOptions, work: (attempt: Attempt) => Promise<T>): Promise<T>;
  /** Prepares a stream; the caller says how it ended. */
  stream(signal: AbortSignal): Promise<StreamAttempt>;
  /** Something was sent on the connection that must be answered. */
  asked(connection: Connection): void;
  /** Makes one of this package's errors of what happened on the connection. */
  cast(error: unknown, connection?: Connection): EtcdError;
  /** Something on the connection failed or was given up: replaces it if it is broken or silent. */
  doubt(connection: Connection): void;
  /** Has the next call show a new token, if `token` is still the present one. */
  discardToken(token: string | undefined): void;
  readonly hasUser: boolean;
  close(): void;
}

interface Silence {
  bytes: number;
  since: number;
}

/** Makes the link to the member `settings.endpoints[index]`; nothing is dialled yet. */
export function createLink({ endpoints, user, tls }: EtcdSettings, index: number, clock: Clock): Link {
  const endpoint = endpoints[index];
  if (!endpoint) throw new RangeError(`expected an endpoint number below ${endpoints.length}, got ${index}`);
  const { address } = endpoint;
  const tokens = createTokenKeeper(user, authenticate);
  const silences = new WeakMap<Connection, Silence>();
  let current: Connection | undefined;
  let closed = false;

  function open(): Connection {
    if (closed) throw new EtcdUnavailableError(`etcd at ${address}: the client is closed`);
    current ??= openConnection(endpoint as (typeof endpoints)[number], tls);
    return current;
  }

  function asked(connection: Connection): void {
    const silence = silences.get(connection);
    if (silence && silence.bytes === connection.bytesRead) return;
    silences.set(connection, { bytes: connection.bytesRead, since: clock.now() });
  }

  function doubt(connection: Connection, silenceMs = deadSilenceMs): void {
    if (connection !== current) return;
    const silence = silences.get(connection);
    const silent = silence?.bytes === connection.bytesRead && clock.now() - silence.since >= silenceMs;
    if (!silent && !connection.failed) return;
    current = undefined;
    connection.close();
  }

  async function authenticate({ name, password }: EtcdUser): Promise<string | undefined> {
    const connection = open();
    asked(connection);
    try {
      return await withTimeout(clock, authTimeoutMs, async (signal) => {
        const limits = { signal, deadline: wallClockDeadline(authTimeoutMs) };
        const auth = new AuthClient(createCallable(connection, new Metadata(), limits));
        const { token } = await auth.authenticate({ name, password });
        return token;
      });
    } catch (error) {
      if (isAuthOff(error)) return undefined;
      doubt(connection);
      throw cast(error, connection);
    }
  }

  function cast(error: unknown, connection?: Connection): EtcdError {
    return connection?.tlsError
      ? castTlsError(error, connection.tlsError, address)
      : castError(error, address);
  }

  async function attempt<T>(
    work: (attempt: Attempt) => Promise<T>,
    limits: Omit<Attempt, "rpc">,
  ): Promise<T> {
    for (let last = false; ; last = true) {
      const token = await tokens.get();
      limits.signal.throwIfAborted();
      const connection = open();
      asked(connection);
      try {
        return await work({ ...limits, rpc: createCallable(connection, metadataWith(token), limits) });
      } catch (error) {
        doubt(connection);
        if (last || !(isStaleToken(error) || (user && isMissingUser(error)))) throw cast(error, connection);
        tokens.discard(token);
      }
    }
  }

  return {
    address,
    hasUser: user !== undefined,
    asked,
    doubt,
    cast,
    discardToken: (token) => tokens.discard(token),
    async call({ timeoutMs, signal }, work) {
      const deadline = wallClockDeadline(timeoutMs);
      if (current) doubt(current, Math.max(deadSilenceMs, Math.min(timeoutMs / 3, longestSilenceMs)));
      try {
        return await withTimeout(clock, timeoutMs, (limit) => attempt(work, { signal: limit, deadline }), {
          signal,
        });
      } catch (error) {
        // Whose answer was not waited for any longer is doubted here: its own failure comes too late, if ever.
        if (current) doubt(current);
        if (signal?.aborted && error === signal.reason) throw error;
        if (isTimeoutError(error)) {
          throw new EtcdUnavailableError(`etcd at ${address}: ${error.message}`, { cause: error });
        }
        throw cast(error);
      }
    },
    async stream(signal) {
      const token = await tokens.get();
      signal.throwIfAborted();
      const connection = open();
      asked(connection);
      return { rpc: createCallable(connection, metadataWith(token), { signal }), connection, token };
    },
    close() {
      closed = true;
      current?.close();
      current = undefined;
    },
  };
}

/** A member without a leader says so at once instead of letting a call hang (for 7 s in etcd 3.4). */
function metadataWith(token: string | undefined): Metadata {
  const metadata = new Metadata();
  metadata.set("hasleader", "true");
  if (token !== undefined) metadata.set("token", token);
  return metadata;
}

function wallClockDeadline(timeoutMs: number): Date {
  return new Date(Date.now() + timeoutMs + deadlineSlackMs);
}
