import { randomUUID } from "node:crypto";
import { hostname } from "node:os";
import { describeError } from "@msdha/app";
import type { Clock } from "@msdha/clock";
import { type EtcdApi, isEtcdError } from "@msdha/etcd-client";
import { acquireLease, type Lease } from "@msdha/etcd-lease";
import { groupKeys, renderFrontend } from "@msdha/group";
import type { Log } from "@msdha/log";

export interface RegisterOptions {
  readonly clock: Clock;
  readonly log: Log;
  readonly ttlSeconds: number;
}

/** A frontend that a stopping master waits for. Disposing takes it out of etcd. */
export interface Registration extends AsyncDisposable {
  /** Says that the stopping master with this token is left: nothing new goes there, and what had begun was answered. */
  acknowledge(token: number): void;
}

const AGAIN_MS = 5_000;
/** A user that may not write now may do so later; etcd also says so for a while after it was restarted. */
const REFUSED_AGAIN_MS = 60_000;
const PUT_MS = 2_000;

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
  let lease: Lease | undefined;

  async function put({ id }: Lease): Promise<void> {
    const value = renderFrontend({ host, left });
    await etcd.txn(
      { compare: [], success: [{ type: "put", key, value, lease: id }], failure: [] },
      { timeoutMs: PUT_MS, signal: stop.signal },
    );
  }

  async function keep(): Promise<void> {
    await using own = await acquireLease(etcd, {
      ttlSeconds,
      clock,
      signal: stop.signal,
      probeKey: keys.prefix,
    });
    await put(own);
    lease = own;
    await aborted(AbortSignal.any([own.lost, stop.signal]));
    lease = undefined;
  }

  async function run(): Promise<void> {
    let reported = false;
    while (!stop.signal.aborted) {
      const error: unknown = await keep().catch((reason: unknown) => reason);
      if (stop.signal.aborted) return;
      const refused = isEtcdError(error, "ERR_ETCD_AUTH");
      if (refused && !reported)
        log.info(
          { key: `${keys.prefix}_frontend/`, why: describeError(error) },
          "this user of etcd may not register the frontend: a stopping master can not wait for it; set MSDHA_DRAIN for the nodes",
        );
      else if (error !== undefined) log.debug({ why: describeError(error) }, "not registered with the group");
      reported ||= refused;
      await clock.sleep(refused ? REFUSED_AGAIN_MS : AGAIN_MS, { signal: stop.signal }).catch(() => {});
    }
  }
  const ended = run();

  return {
    acknowledge(token) {
      left = token;
      if (!lease) return;
      put(lease).catch((error: unknown) => log.debug({ why: describeError(error) }, "not acknowledged"));
    },
    async [Symbol.asyncDispose]() {
      stop.abort();
      await ended;
    },
  };
}

async function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
}
