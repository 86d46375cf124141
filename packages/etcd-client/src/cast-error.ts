import { type ServiceError, status } from "@grpc/grpc-js";
import {
  EtcdAuthError,
  EtcdCompactedError,
  EtcdLeaseNotFoundError,
  EtcdNoSpaceError,
  EtcdRequestError,
  EtcdTooLargeError,
  EtcdUnavailableError,
  isEtcdError,
} from "./errors.ts";

/** Any error of this package that a call can end with. */
export type EtcdError =
  | EtcdUnavailableError
  | EtcdAuthError
  | EtcdLeaseNotFoundError
  | EtcdCompactedError
  | EtcdRequestError
  | EtcdNoSpaceError
  | EtcdTooLargeError;

/** What etcd says to credentials that are wrong, however often they are shown. */
const refused =
  /authentication failed|permission denied|user name is empty|user name not found|password was given/;
/** What only a new token helps against: unknown after a restart, older than a change of users, or never asked for. */
const stale = /invalid auth token|revision (in header|of auth store) is old|auth revision.* old/;
/** Answers that no other member and no second try would give differently. */
const definite = new Set<number>([
  status.INVALID_ARGUMENT,
  status.NOT_FOUND,
  status.ALREADY_EXISTS,
  status.FAILED_PRECONDITION,
  status.OUT_OF_RANGE,
]);

/** What a member that is a learner answers to all but serializable reads, from etcd 3.5 on: others answer it. */
const learner = "rpc not supported for learner";

/** Whether the token, not the user, is what etcd refused. */
export function isStaleToken(error: unknown): boolean {
  return stale.test(detailsOf(error));
}

/** Whether etcd asks for a user where none was named. */
export function isMissingUser(error: unknown): boolean {
  return detailsOf(error).includes("user name is empty");
}

/** Whether etcd has no use for a password, as authentication is off. */
export function isAuthOff(error: unknown): boolean {
  return detailsOf(error).includes("authentication is not enabled");
}

/** Whether etcd accepted the login but refused the request: the user lacks the permission. */
export function isPermissionDenied(error: unknown): boolean {
  if (!isEtcdError(error, "ERR_ETCD_AUTH")) return false;
  return isServiceError(error.cause) && error.cause.code === status.PERMISSION_DENIED;
}

/** Makes one of this package's errors of what gRPC, etcd3 or Node threw; `where` is the member's address. */
export function castError(error: unknown, where: string): EtcdError {
  if (isOwnError(error)) return error;
  const details = detailsOf(error);
  const message = `etcd at ${where}: ${describe(details)}`;
  const options = { cause: error };
  const code = isServiceError(error) ? error.code : undefined;
  if (details.includes("requested lease not found")) return new EtcdLeaseNotFoundError(message, options);
  if (details.includes("required revision has been compacted")) {
    return new EtcdCompactedError(message, 0, options);
  }
  if (stale.test(details) || details.includes(learner)) return new EtcdUnavailableError(message, options);
  if (refused.test(details) || code === status.PERMISSION_DENIED || code === status.UNAUTHENTICATED) {
    return new EtcdAuthError(message, options);
  }
  const size = findTooLarge(details);
  if (size) return new EtcdTooLargeError(where, { ...size, cause: error });
  if (details.includes("database space exceeded")) return new EtcdNoSpaceError(message, options);
  if (code !== undefined && definite.has(code)) return new EtcdRequestError(message, options);
  return new EtcdUnavailableError(message, options);
}

/** What etcd's gRPC takes beyond `--max-request-bytes`. */
const GRPC_OVERHEAD_BYTES = 512 * 1024;

/** etcd itself says no numbers. Its gRPC, which is asked before it, does; grpc-js says the same of an answer, in other words. */
function findTooLarge(
  details: string,
): { readonly sizeBytes?: number; readonly limitBytes?: number } | undefined {
  if (details.includes("etcdserver: request is too large")) return {};
  const [, size, most] = /grpc: received message larger than max \((\d+) vs\. (\d+)\)/.exec(details) ?? [];
  if (size === undefined) return undefined;
  return { sizeBytes: Number(size), limitBytes: Math.max(Number(most) - GRPC_OVERHEAD_BYTES, 0) };
}

/** The member's word on our certificate, or on the lack of one. */
const certificateAlert = /ALERT_(BAD_|UNSUPPORTED_|NO_)?CERTIFICATE|ALERT_UNKNOWN_CA|ALERT_ACCESS_DENIED/;

/**
 * Makes an error of a call that failed on a connection whose TLS had failed with `tlsError`. A certificate of the
 * member's that is not trusted here is no refusal of its own, so it reads as unavailable.
 */
export function castTlsError(error: unknown, tlsError: NodeJS.ErrnoException, where: string): EtcdError {
  if (!isServiceError(error) || error.code !== status.UNAVAILABLE) return castError(error, where);
  const options = { cause: tlsError };
  const text = "reason" in tlsError ? String(tlsError.reason) : tlsError.message;
  const reason = text.replaceAll(/\s+/g, " ").replace(/; if the root CA is .*$/, "");
  if (certificateAlert.test(tlsError.code ?? "")) {
    return new EtcdAuthError(`etcd at ${where} refused the client certificate: ${reason}`, options);
  }
  return new EtcdUnavailableError(`etcd at ${where}: TLS failed: ${reason}`, options);
}

/** Whether `error` is one of this package's own. */
export function isOwnError(error: unknown): error is EtcdError {
  return (
    isEtcdError(error, "ERR_ETCD_UNAVAILABLE") ||
    isEtcdError(error, "ERR_ETCD_AUTH") ||
    isEtcdError(error, "ERR_ETCD_LEASE_NOT_FOUND") ||
    isEtcdError(error, "ERR_ETCD_COMPACTED") ||
    isEtcdError(error, "ERR_ETCD_REQUEST") ||
    isEtcdError(error, "ERR_ETCD_NO_SPACE") ||
    isEtcdError(error, "ERR_ETCD_TOO_LARGE")
  );
}

function isServiceError(error: unknown): error is ServiceError {
  return error instanceof Error && "code" in error && typeof error.code === "number";
}

function detailsOf(error: unknown): string {
  if (isServiceError(error) && error.details) return error.details;
  return error instanceof Error ? error.message : String(error);
}

/** What gRPC says of a call on a connection that this client has closed, for it seemed dead or is not needed any more. */
const closedBySelf = /^(Channel closed before call started|Channel has been shut down)$/;

/** One line, without what gRPC puts round the reason: "No connection established. Last error: REASON (DATE). Resolution note: ". */
function describe(details: string): string {
  return details
    .replaceAll(/\s+/g, " ")
    .replace(/^.*Last error: (?:Error: )?/, "cannot connect: ")
    .replace(/\.? ?Resolution note: ?(.*)$/, "")
    .replace(/ \(\d{4}-\d\d-\d\dT[\d:.]+Z\)/g, "")
    .replace(/Failed to connect$/, "closed before HTTP/2 began (does it want https?)")
    .replace(closedBySelf, "the connection was closed before the request was sent")
    .replace(/^(rpc error: code = \w+ desc = )?etcdserver: /, "")
    .trim();
}
