/** etcd could not be reached, or did not answer in time. A write may have been carried out all the same. */
export class EtcdUnavailableError extends Error {
  override readonly name = "EtcdUnavailableError";
  readonly code = "ERR_ETCD_UNAVAILABLE";
}

/** etcd refused the user, the password, the client certificate, or what the user may do. Trying again does not help. */
export class EtcdAuthError extends Error {
  override readonly name = "EtcdAuthError";
  readonly code = "ERR_ETCD_AUTH";
}

/** The lease that a write names does not exist (any more). */
export class EtcdLeaseNotFoundError extends Error {
  override readonly name = "EtcdLeaseNotFoundError";
  readonly code = "ERR_ETCD_LEASE_NOT_FOUND";
}

/**
 * The revision that a watch was to begin with, or that a page was to be read at, is compacted: what happened before
 * `compactRevision` is lost. 0: etcd did not say where that is.
 */
export class EtcdCompactedError extends Error {
  override readonly name = "EtcdCompactedError";
  readonly code = "ERR_ETCD_COMPACTED";
  readonly compactRevision: number;

  constructor(message: string, compactRevision: number, options?: ErrorOptions) {
    super(message, options);
    this.compactRevision = compactRevision;
  }
}

/**
 * Two endpoints belong to two clusters, so that a lock of one says nothing of the other. `connectEtcd`'s client rejects
 * with it only from `inspect`; later on, the endpoint that answered second counts as unavailable.
 */
export class EtcdClusterError extends Error {
  override readonly name = "EtcdClusterError";
  readonly code = "ERR_ETCD_CLUSTER";
  readonly first: EtcdClusterOf;
  readonly other: EtcdClusterOf;

  constructor(first: EtcdClusterOf, other: EtcdClusterOf) {
    const [own, strange] = [hexadecimal(first.clusterId), hexadecimal(other.clusterId)];
    const what =
      own === strange
        ? `two clusters with one id (${own}), as each does not know what the other holds`
        : `two clusters (${own} and ${strange})`;
    super(
      `etcd at ${first.endpoint} and etcd at ${other.endpoint} are of ${what}: ` +
        "expected endpoints of one cluster in ETCDCTL_ENDPOINTS",
    );
    this.first = first;
    this.other = other;
  }
}

/** An endpoint, and the cluster that it answered for. */
export interface EtcdClusterOf {
  readonly endpoint: string;
  readonly clusterId: string;
}

/** As etcdctl shows ids. */
function hexadecimal(id: string): string {
  return BigInt(id).toString(16);
}

/** A member has a version with known faults, and such versions are refused. */
export class EtcdVersionError extends Error {
  override readonly name = "EtcdVersionError";
  readonly code = "ERR_ETCD_VERSION";
  readonly endpoint: string;

  constructor(endpoint: string, why: string) {
    super(`etcd at ${endpoint}: ${why}`);
    this.endpoint = endpoint;
  }
}

/** etcd answered with an error that none of the other classes stands for (a request that it can't make sense of). */
export class EtcdRequestError extends Error {
  override readonly name = "EtcdRequestError";
  readonly code = "ERR_ETCD_REQUEST";
}

/** etcd is out of space (the alarm `NOSPACE`): it refuses writes until it was compacted, defragmented and disarmed. Reads work. */
export class EtcdNoSpaceError extends Error {
  override readonly name = "EtcdNoSpaceError";
  readonly code = "ERR_ETCD_NO_SPACE";
}

/**
 * etcd refused a request as larger than it takes; nothing was written. Its limit is the option `--max-request-bytes` of etcd, 1.5 MiB by
 * default, for all keys and values of one transaction.
 */
export class EtcdTooLargeError extends Error {
  override readonly name = "EtcdTooLargeError";
  readonly code = "ERR_ETCD_TOO_LARGE";
  /** How large the request was, as far as that is known. */
  readonly sizeBytes: number | undefined;
  /** How large it may be; undefined: etcd did not say. */
  readonly limitBytes: number | undefined;

  constructor(where: string, { sizeBytes, limitBytes, cause }: TooLarge) {
    const size = sizeBytes === undefined ? "" : `: ${sizeBytes} bytes`;
    const limit = limitBytes === undefined ? "1572864 unless set otherwise" : String(limitBytes);
    super(`etcd at ${where}: the request is too large${size}, of at most --max-request-bytes (${limit})`, {
      cause,
    });
    this.sizeBytes = sizeBytes;
    this.limitBytes = limitBytes;
  }
}

interface TooLarge {
  readonly sizeBytes?: number | undefined;
  readonly limitBytes?: number | undefined;
  readonly cause?: unknown;
}

interface EtcdErrors {
  readonly ERR_ETCD_UNAVAILABLE: EtcdUnavailableError;
  readonly ERR_ETCD_AUTH: EtcdAuthError;
  readonly ERR_ETCD_LEASE_NOT_FOUND: EtcdLeaseNotFoundError;
  readonly ERR_ETCD_COMPACTED: EtcdCompactedError;
  readonly ERR_ETCD_REQUEST: EtcdRequestError;
  readonly ERR_ETCD_NO_SPACE: EtcdNoSpaceError;
  readonly ERR_ETCD_TOO_LARGE: EtcdTooLargeError;
  readonly ERR_ETCD_CLUSTER: EtcdClusterError;
  readonly ERR_ETCD_VERSION: EtcdVersionError;
}

/**
 * Returns whether `error` has this code. Use it instead of `instanceof`, which fails when a program has two copies of
 * this package (or of one that depends on it) and the error comes from the other copy.
 */
export function isEtcdError<Code extends keyof EtcdErrors>(
  error: unknown,
  code: Code,
): error is EtcdErrors[Code] {
  return error instanceof Error && "code" in error && error.code === code;
}
