import { randomUUID } from "node:crypto";
import { hostname } from "node:os";
import { describeError } from "@msdha/app";
import type { Clock } from "@msdha/clock";
import { type EtcdApi, isEtcdError, type LeaseId } from "@msdha/etcd-client";
import { groupKeys, renderFrontend } from "@msdha/group";
import type { Log } from "@msdha/log";
import { type LeaseRenewal, renewLease } from "./renew-lease.ts";

export interface RegisterOptions {
  readonly clock: Clock;
  readonly log: Log;
  readonly ttlSeconds: number;
}

/** A frontend that a stopping master waits for. Disposing takes it out of etcd. */
export interface Registration extends AsyncDisposable {
  /** Says that the stopping master with this token is left: nothing new goes there, and what had begun was answered. */
  acknowledge(token: number): void;
  /** Renews the lease now if that is due soon: called when etcd is asked for something else anyway. */
  renewSoon(): void;
}

const AGAIN_MS = 5_000;
const UNAVAILABLE_AGAIN_MS = 1_000;
/** A user that may not write now may do so later; etcd also says so for a while after it was restarted. */
const REFUSED_AGAIN_MS = 60_000;
const CALL_MS = 2_000;

/**
 * Keeps a key of this frontend in etcd, on a lease. Never fails: where the user of etcd may not write it, that is logged
 * once and the frontend goes on without; every other failure is tried again.
 */
export function registerFrontend(
  etcd: EtcdApi,
  group: string,
  { clock, log, ttlSeconds }: RegisterOptions,
): Registration {
  const keys = groupKeys(group);
  const key = keys.frontend(randomUUID());
  const host = hostname();
  const stop = new AbortController();
  let left = 0;
  let lease: LeaseId | undefined;
  let renewal: LeaseRenewal | undefined;

  async function put(id: LeaseId): Promise<void> {
    const value = renderFrontend({ host, left });
    await etcd.txn(
      { compare: [], success: [{ type: "put", key, value, lease: id }], failure: [] },
      { timeoutMs: CALL_MS, signal: stop.signal },
    );
  }

  /** Resolves when etcd says that the lease is gone. */
  async function keep(): Promise<void> {
    const grantedAt = clock.now();
    const granted = await etcd.leaseGrant(ttlSeconds, { timeoutMs: CALL_MS, signal: stop.signal });
    const { id } = granted;
    try {
      await put(id);
      lease = id;
      const ttlMs = 1_000 * Math.min(ttlSeconds, granted.ttlSeconds);
      renewal = renewLease(etcd, id, { ttlMs, grantedAt, clock, signal: stop.signal });
      await renewal.gone;
    } finally {
      lease = undefined;
      renewal = undefined;
      await etcd.leaseRevoke(id, { timeoutMs: CALL_MS }).catch(() => {});
    }
  }

  async function run(): Promise<void> {
    let reported = false;
    while (!stop.signal.aborted) {
      const error: unknown = await keep().catch((reason: unknown) => reason);
      if (stop.signal.aborted) return;
      if (error === undefined) continue; // the lease ended while etcd could not be reached: another one, at once
      const refused = isEtcdError(error, "ERR_ETCD_AUTH");
      if (refused && !reported)
        log.info(
          { key: `${keys.prefix}_frontend/`, why: describeError(error) },
          "this user of etcd may not register the frontend: a stopping master can not wait for it; set MSDHA_DRAIN for the nodes",
        );
      else log.debug({ why: describeError(error) }, "not registered with the group");
      reported ||= refused;
      await clock.sleep(pauseAfter(error), { signal: stop.signal }).catch(() => {});
    }
  }
  const ended = run();

  return {
    acknowledge(token) {
      left = token;
      if (lease === undefined) return;
      put(lease).catch((error: unknown) => log.debug({ why: describeError(error) }, "not acknowledged"));
    },
    renewSoon: () => renewal?.renewSoon(),
    async [Symbol.asyncDispose]() {
      stop.abort();
      await ended;
    },
  };
}

function pauseAfter(error: unknown): number {
  if (isEtcdError(error, "ERR_ETCD_AUTH")) return REFUSED_AGAIN_MS;
  return isEtcdError(error, "ERR_ETCD_UNAVAILABLE") ? UNAVAILABLE_AGAIN_MS : AGAIN_MS;
}
