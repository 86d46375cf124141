import { Metadata } from "@grpc/grpc-js";
import { type Clock, isTimeoutError, notNeeded, withTimeout } from "@msdha/clock";
import { AuthClient, type IResponseHeader } from "etcd3";
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
import type { ClusterIdentity, EtcdMemberInfo } from "./cluster-identity.ts";
import { type Connection, openConnection } from "./connection.ts";
import { EtcdUnavailableError } from "./errors.ts";
import { createIdentification } from "./identification.ts";
import type { EtcdTarget, EtcdTlsFiles, EtcdUser } from "./settings.ts";
import { createTokenKeeper } from "./token.ts";

/** How long a connection must have been asked in vain to be taken for dead when a call on it is given up. */
const deadSilenceMs = 300;
/** The same when a call begins, which leaves the calls before it time to be answered: a third of its own, up to this. */
const longestSilenceMs = 2_000;
/** How long a connection may be silent while a call on it is waited for. What is only slow sends something meanwhile. */
const silenceInCallMs = 5_000;
/** How long etcd may take to check a password (bcrypt, on purpose slow, and a round of consensus). */
const authTimeoutMs = 5_000;
/** gRPC's own limit, by the wall clock, is only there for what our own, by `Clock`, has let go of. */
const deadlineSlackMs = 1_000;

/** One try to do something: what to call on, and when to stop. */
export interface Attempt {
  readonly rpc: Callable;
  readonly deadline: Date;
  readonly signal: AbortSignal;
  /** To be called with the header of an answer that comes on a stream; throws if it is of another cluster. */
  readonly onHeader: (header: IResponseHeader) => void;
}

/** A stream's try, which has no time limit. `token` is what it showed. */
export interface StreamAttempt {
  readonly rpc: Callable;
  readonly connection: Connection;
  readonly token: string | undefined;
  readonly onHeader: Attempt["onHeader"];
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
  /** Resolves with what the member says of itself, over a connection that is open afterwards. Rejects as a call does. */
  identify(options: CallOptions): Promise<EtcdMemberInfo | undefined>;
  /** Whether a connection to the member is open, or being opened, and was not given up. */
  readonly open: boolean;
  close(): void;
}

interface Silence {
  bytes: number;
  since: number;
}

export interface LinkOptions {
  readonly target: EtcdTarget;
  readonly user?: EtcdUser | undefined;
  readonly tls?: EtcdTlsFiles | undefined;
  readonly clock: Clock;
  readonly identity: ClusterIdentity;
}

/** Makes the link to a member; nothing is dialled yet. */
export function createLink({ target, user, tls, clock, identity }: LinkOptions): Link {
  const address = target.name;
  const tokens = createTokenKeeper(user, authenticate);
  const silences = new WeakMap<Connection, Silence>();
  let current: Connection | undefined;
  let closed = false;
  const { identified, checkHeader, refuseForeign } = createIdentification({ address, clock, identity, drop });

  function open(): Connection {
    if (closed) throw new EtcdUnavailableError(`etcd at ${address}: the client is closed`);
    refuseForeign();
    if (current?.failed) drop(current);
    current ??= openConnection(target, tls);
    return current;
  }

  function drop(connection: Connection): void {
    if (connection === current) current = undefined;
    connection.close();
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
    if (silent || connection.failed) drop(connection);
  }

  async function watchSilence(signal: AbortSignal): Promise<never> {
    for (;;) {
      await clock.sleep(silenceInCallMs, { signal });
      if (current) doubt(current, silenceInCallMs);
    }
  }

  async function authenticate({ name, password }: EtcdUser): Promise<string | undefined> {
    const connection = open();
    asked(connection);
    try {
      await identified(connection);
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
    limits: Pick<Attempt, "signal" | "deadline">,
  ): Promise<T> {
    for (let last = false; ; last = true) {
      const token = await tokens.get();
      limits.signal.throwIfAborted();
      const connection = open();
      asked(connection);
      try {
        await identified(connection);
        limits.signal.throwIfAborted();
        const more = { ...limits, onHeader: checkHeader(connection) };
        return await work({ ...more, rpc: createCallable(connection, metadataWith(token), more) });
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
      const settled = new AbortController();
      if (current) doubt(current, Math.max(deadSilenceMs, Math.min(timeoutMs / 3, longestSilenceMs)));
      try {
        if (timeoutMs > silenceInCallMs) watchSilence(settled.signal).catch(() => {});
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
      } finally {
        settled.abort(notNeeded);
      }
    },
    async stream(signal) {
      const token = await tokens.get();
      signal.throwIfAborted();
      const connection = open();
      asked(connection);
      await identified(connection);
      signal.throwIfAborted();
      const rpc = createCallable(connection, metadataWith(token), { signal });
      return { rpc, connection, token, onHeader: checkHeader(connection) };
    },
    async identify({ timeoutMs, signal }) {
      const connection = open();
      asked(connection);
      try {
        return await withTimeout(clock, timeoutMs, () => identified(connection), { signal });
      } catch (error) {
        doubt(connection);
        if (signal?.aborted && error === signal.reason) throw error;
        throw cast(error, connection);
      }
    },
    get open() {
      return current !== undefined && !current.failed;
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
