import { Metadata, status } from "@grpc/grpc-js";
import { describe, expect, test } from "vitest";
import { castError, castTlsError } from "./cast-error.ts";

function serviceError(code: status, details: string): Error {
  return Object.assign(new Error(`${code} ${status[code]}: ${details}`), {
    code,
    details,
    metadata: new Metadata(),
  });
}

const where = "etcd.example:2379";

describe("castError", () => {
  test.each([
    ["EtcdLeaseNotFoundError", status.NOT_FOUND, "etcdserver: requested lease not found"],
    [
      "EtcdAuthError",
      status.INVALID_ARGUMENT,
      "etcdserver: authentication failed, invalid user ID or password",
    ],
    ["EtcdAuthError", status.PERMISSION_DENIED, "etcdserver: permission denied"],
    ["EtcdAuthError", status.INVALID_ARGUMENT, "etcdserver: user name is empty"],
    ["EtcdAuthError", status.UNAUTHENTICATED, "Received HTTP status code 401"],
    ["EtcdUnavailableError", status.UNAUTHENTICATED, "etcdserver: invalid auth token"],
    ["EtcdUnavailableError", status.INVALID_ARGUMENT, "etcdserver: revision of auth store is old"],
    ["EtcdUnavailableError", status.UNAVAILABLE, "etcdserver: no leader"],
    ["EtcdUnavailableError", status.UNAVAILABLE, "etcdserver: request timed out"],
    ["EtcdUnavailableError", status.UNAVAILABLE, "etcdserver: leader changed"],
    ["EtcdUnavailableError", status.UNKNOWN, "raft: stopped"],
    ["EtcdUnavailableError", status.DEADLINE_EXCEEDED, "Deadline exceeded"],
    ["EtcdUnavailableError", status.UNIMPLEMENTED, "Received HTTP status code 404"],
    ["EtcdUnavailableError", status.RESOURCE_EXHAUSTED, "etcdserver: too many requests"],
    ["EtcdUnavailableError", status.FAILED_PRECONDITION, "etcdserver: rpc not supported for learner"],
    ["EtcdNoSpaceError", status.RESOURCE_EXHAUSTED, "etcdserver: mvcc: database space exceeded"],
    ["EtcdRequestError", status.INVALID_ARGUMENT, "etcdserver: too many operations in txn request"],
    ["EtcdCompactedError", status.OUT_OF_RANGE, "etcdserver: mvcc: required revision has been compacted"],
  ])("makes an %s of %s", (name, code, details) => {
    const cause = serviceError(code, details);
    const error = castError(cause, where);
    expect(error.name).toBe(name);
    expect(error.cause).toBe(cause);
    expect(error.message).toBe(`etcd at ${where}: ${details.replace("etcdserver: ", "")}`);
  });

  test.each([
    [status.INVALID_ARGUMENT, "etcdserver: request is too large", undefined, undefined],
    [
      status.RESOURCE_EXHAUSTED,
      "grpc: received message larger than max (3145751 vs. 2097152)",
      3_145_751,
      1_572_864,
    ],
  ])("makes an EtcdTooLargeError of %s: %s", (code, details, sizeBytes, limitBytes) => {
    const cause = serviceError(code, details);
    expect(castError(cause, where)).toMatchObject({
      code: "ERR_ETCD_TOO_LARGE",
      sizeBytes,
      limitBytes,
      cause,
    });
  });

  test("takes an answer that is too large here for a failure of the member", () => {
    const error = serviceError(
      status.RESOURCE_EXHAUSTED,
      "Received message larger than max (5000000 vs 4194304)",
    );
    expect(castError(error, where).code).toBe("ERR_ETCD_UNAVAILABLE");
  });

  test("leaves the reason of what gRPC tells of a failed dial, in one line", () => {
    const reason = "Error: connect ECONNREFUSED 10.0.0.1:2379 (2026-11-23T03:13:28.352Z)";
    const details = `No connection established. Last error: ${reason}. Resolution note: \n`;
    const { message } = castError(serviceError(status.UNAVAILABLE, details), where);
    expect(message).toBe(`etcd at ${where}: cannot connect: connect ECONNREFUSED 10.0.0.1:2379`);
  });

  test.each(["Channel closed before call started", "Channel has been shut down"])(
    "says in plain words that a call was on a connection that was closed: %s",
    (details) => {
      const { name, message } = castError(serviceError(status.UNAVAILABLE, details), where);
      expect(name).toBe("EtcdUnavailableError");
      expect(message).toBe(`etcd at ${where}: the connection was closed before the request was sent`);
    },
  );

  test("takes what is no error of gRPC's for an outage, and leaves its own errors alone", () => {
    const unavailable = castError(new Error("ENOENT: no such file"), where);
    expect([unavailable.name, unavailable.message]).toEqual([
      "EtcdUnavailableError",
      `etcd at ${where}: ENOENT: no such file`,
    ]);
    expect(castError(unavailable, "elsewhere")).toBe(unavailable);
  });
});

describe("castTlsError", () => {
  const lost = serviceError(status.UNAVAILABLE, "Connection dropped");

  test("tells a refused client certificate from a server that is not trusted", () => {
    const alert = Object.assign(new Error("4:error:0A000412:SSL routines\n"), {
      code: "ERR_SSL_SSL/TLS_ALERT_BAD_CERTIFICATE",
      reason: "ssl/tls alert bad certificate",
    });
    const refused = castTlsError(lost, alert, where);
    expect([refused.name, refused.message]).toEqual([
      "EtcdAuthError",
      `etcd at ${where} refused the client certificate: ssl/tls alert bad certificate`,
    ]);
    const expired = Object.assign(new Error("certificate has expired"), { code: "CERT_HAS_EXPIRED" });
    expect(castTlsError(lost, expired, where).name).toBe("EtcdUnavailableError");
  });

  test("does not blame TLS for an answer", () => {
    const answer = serviceError(status.NOT_FOUND, "etcdserver: requested lease not found");
    expect(castTlsError(answer, new Error("older trouble"), where).name).toBe("EtcdLeaseNotFoundError");
  });
});
