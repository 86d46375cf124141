import { type Clock, systemClock } from "@msdha/clock";
import { type CallOptions, type EtcdApi, isEtcdError, type LeaseId } from "@msdha/etcd-client";
import { LeaseLostError, type LeaseLostKind } from "./errors.ts";
import { type GrantedLease, grantLease } from "./grant.ts";
import { type Nonce, randomNonce } from "./nonce.ts";
import { type LeaseProof, proves } from "./proof.ts";
import { startRounds } from "./rounds.ts";
import { timing } from "./timing.ts";
import { createProofWriter, isWritten } from "./written-proof.ts";

export interface Lease extends AsyncDisposable {
  readonly id: LeaseId;
  /** The smaller of what was asked for and what etcd granted, in ms. */
  readonly ttlMs: number;
  /**
   * Aborts once, with a `LeaseLostError`: as soon as etcd says that the lease or what it proves is gone, and at
   * `seen + ttlMs` otherwise. Never after `release`.
   */
  readonly lost: AbortSignal;
  /**
   * When, in ms on the clock, the last request was sent whose answer proved the lease by quorum; the grant counts as
   * the first. Nobody else can have taken what the lease holds before that moment.
   */
  readonly seen: number;
  /**
   * Says what must be shown from now on, and asks for it at once. Answers to requests that were sent before this call
   * neither prove nor fail anything any more, except that one that tells of a copy of this machine still loses the lease;
   * `seen` stays what it is until a new one does. `undefined` (as at the
   * start) takes any linearizable read, together with a keepalive that etcd says yes to. A proof that is `written` is a
   * read while etcd takes no writes, as it is out of space.
   */
  prove(proof: LeaseProof | undefined): void;
  /**
   * Throws the `LeaseLostError` of a lease that is lost or released. It looks at the clock itself: right after the
   * event loop was blocked past the deadline it throws, and `lost` has aborted, although no timer has run yet.
   */
  throwIfLost(): void;
  /**
   * Stops renewing and revokes the lease, which deletes its keys, unless a copy of this machine uses it. Takes 2 s at
   * most and never rejects: a lease that could not be revoked ends by itself after its TTL. Disposing does the same.
   */
  release(): Promise<void>;
}

export interface LeaseOptions {
  /** How long the lease outlives its last renewal, in whole seconds, from 1 on. */
  readonly ttlSeconds: number;
  /**
   * The key that is read while there is nothing to prove. It need not exist, but the user of etcd must be allowed to read
   * it: without that right the lease is lost after one TTL.
   */
  readonly probeKey: string;
  readonly clock?: Clock;
  /** Ends the attempt to get a lease. The lease outlives it: call `release`. */
  readonly signal?: AbortSignal | undefined;
  /**
   * Called with the new `seen` each time it goes on (not for the grant), before anyone can read it. A proof whose
   * call throws does not count.
   */
  readonly onProof?: (seen: number) => void;
  /** Makes what written proofs write different from each other, default: 96 random bits. */
  readonly nonce?: Nonce;
}

const REVOKE_TIMEOUT_MS = 2_000;

/**
 * Gets a lease and keeps it alive until `release` or its loss. Every third of the TTL it is
 * renewed and, beside that, proved by a linearizable read or a write; what fails is tried again soon, until the deadline.
 *
 * Only read and write move the deadline: an etcd leader that is cut off from the others goes on answering keepalives.
 * The other way round a lease whose keepalives fail for long is not given up before a read says that it is gone.
 *
 * Asks for the lease during two TTLs, at least 5 s, then throws `EtcdUnavailableError`; `EtcdAuthError` and other
 * refusals are thrown at once, bad options as a `TypeError`. A grant whose answer got lost leaves a lease behind that
 * ends after its TTL.
 */
export async function acquireLease(etcd: EtcdApi, options: LeaseOptions): Promise<Lease> {
  const { ttlSeconds, probeKey, clock = systemClock, signal, onProof, nonce = randomNonce } = options;
  if (!Number.isSafeInteger(ttlSeconds) || ttlSeconds < 1) {
    throw new TypeError(`expected ttlSeconds to be a whole number from 1 on, got ${ttlSeconds}`);
  }
  if (typeof probeKey !== "string" || probeKey === "") {
    throw new TypeError(
      `expected probeKey as a key that etcd's user may read, got ${JSON.stringify(probeKey)}`,
    );
  }
  const grant = await grantLease(etcd, ttlSeconds, { clock, signal });
  const lease = keepLease(etcd, grant, { clock, onProof, probeKey, nonce });
  if (signal?.aborted) {
    await lease.release();
    throw signal.reason;
  }
  return lease;
}

interface KeepOptions {
  readonly clock: Clock;
  readonly onProof: ((seen: number) => void) | undefined;
  readonly probeKey: string;
  readonly nonce: Nonce;
}

function keepLease(etcd: EtcdApi, { id, ttlMs, sent: granted }: GrantedLease, options: KeepOptions): Lease {
  const { clock, onProof, probeKey, nonce } = options;
  const lost = new AbortController();
  const ended = new AbortController();
  const proofWriter = createProofWriter(etcd, id, { clock, nonce });
  let seen = granted;
  let keptAt = granted;
  let readAt = granted;
  /** A new object for each call of `prove`, so that each answer belongs to its question. */
  let wanted: { readonly proof: LeaseProof | undefined } = { proof: undefined };
  let lastFailure: unknown;
  let releasing: Promise<void> | undefined;

  async function keepAlive(tries: AbortSignal): Promise<void> {
    const sent = clock.now();
    const ttlSeconds = await etcd.leaseKeepAlive(id, { timeoutMs: deadline() - sent, signal: tries });
    if (!stillHeld()) return;
    if (ttlSeconds <= 0) {
      lose("gone");
      return;
    }
    keptAt = Math.max(keptAt, sent);
    if (!wanted.proof) moveProof(Math.min(keptAt, readAt));
  }

  /** By a read, which any linearizable one is while there is nothing to prove. */
  async function isRead(proof: LeaseProof | undefined, options: CallOptions): Promise<boolean> {
    const { kvs } = await etcd.range({ key: proof?.key ?? probeKey }, options);
    return proof === undefined || proves(kvs, proof, id);
  }

  async function askProof(tries: AbortSignal): Promise<void> {
    const asked = wanted;
    const sent = clock.now();
    const options = { timeoutMs: deadline() - sent, signal: tries };
    const written = isWritten(asked.proof) ? await proofWriter.write(asked.proof, options) : undefined;
    const held = written ?? (await isRead(asked.proof, { ...options, timeoutMs: deadline() - clock.now() }));
    if (!stillHeld()) return;
    // Whatever is to be proved by now: that a copy has our lease stays true.
    if (held === "copied") lose("copied");
    if (ended.signal.aborted || asked !== wanted) return;
    if (!held) {
      lose("proof-failed");
      return;
    }
    readAt = Math.max(readAt, sent);
    moveProof(asked.proof ? sent : Math.min(keptAt, readAt));
  }

  function moveProof(to: number): void {
    if (to <= seen) return;
    onProof?.(to);
    seen = to;
    lastFailure = undefined;
  }

  function deadline(): number {
    return seen + ttlMs;
  }

  /** Looks at the clock before anything else is believed: after a blocked event loop answers can come before timers. */
  function stillHeld(): boolean {
    if (!ended.signal.aborted && clock.now() >= deadline()) lose("expired", lastFailure);
    return !ended.signal.aborted;
  }

  function lose(kind: LeaseLostKind, cause?: unknown): void {
    if (ended.signal.aborted) return;
    lost.abort(new LeaseLostError(kind, { seen, deadline: deadline(), cause }));
    ended.abort();
  }

  function onFailure(error: unknown): void {
    if (!stillHeld()) return;
    if (isEtcdError(error, "ERR_ETCD_LEASE_NOT_FOUND")) lose("gone", error);
    else lastFailure = error;
  }

  async function watchDeadline(): Promise<void> {
    while (stillHeld()) await clock.sleep(deadline() - clock.now(), { signal: ended.signal });
  }

  function throwIfLost(): void {
    if (stillHeld()) return;
    lost.signal.throwIfAborted();
    throw new LeaseLostError("released", { seen, deadline: deadline() });
  }

  function release(): Promise<void> {
    releasing ??= revoke();
    return releasing;
  }

  async function revoke(): Promise<void> {
    ended.abort();
    const kind = lost.signal.reason?.kind;
    if (kind === "gone" || kind === "copied") return;
    await etcd.leaseRevoke(id, { timeoutMs: REVOKE_TIMEOUT_MS }).catch(() => {});
  }

  const everyMs = ttlMs / timing.proofsPerTtl;
  const retryMs = Math.min(Math.max(ttlMs / 30, 50), 500);
  const rounds = { clock, firstAt: granted + everyMs, everyMs, retryMs, signal: ended.signal, onFailure };
  startRounds(keepAlive, rounds);
  const proofs = startRounds(askProof, rounds);
  watchDeadline().catch(() => {});

  return {
    id,
    ttlMs,
    get lost() {
      stillHeld();
      return lost.signal;
    },
    get seen() {
      return seen;
    },
    prove(proof) {
      wanted = { proof };
      proofWriter.begin();
      if (stillHeld()) proofs.startNow();
    },
    throwIfLost,
    release,
    [Symbol.asyncDispose]: release,
  };
}
