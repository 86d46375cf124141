import type { Clock } from "@msdha/clock";
import {
  type CallOptions,
  type EtcdApi,
  EtcdUnavailableError,
  isEtcdError,
  type LeaseId,
  type Transaction,
} from "@msdha/etcd-client";
import type { Cluster } from "./cluster.ts";
import type { Lessor } from "./lessor.ts";
import { type CallName, type Interceptor, send } from "./link.ts";
import { onlyReads, type Readable } from "./old-reads.ts";
import { readRange } from "./read-range.ts";
import type { Store } from "./store.ts";
import { carryOut } from "./transaction.ts";
import { openStream } from "./watch-client.ts";
import type { WatchHub } from "./watch-hub.ts";

/** A client of one member, with the two ends of its link. Both interceptors may be changed at any time. */
export interface SimulatedClient extends EtcdApi {
  /** Decides over what goes to the member; everything arrives at once without it. */
  onRequest: Interceptor | undefined;
  /** Decides over what comes back. */
  onAnswer: Interceptor | undefined;
}

export interface ClientOptions {
  /** The client's own clock, by which its timeouts run. */
  readonly clock: Clock;
  readonly member: number;
}

export interface Server {
  readonly clock: Clock;
  readonly store: Store;
  readonly lessor: Lessor;
  readonly cluster: Cluster;
  readonly hub: WatchHub;
  /** The members that answer reads with an old state, and with which. */
  readonly oldReads: ReadonlyMap<number, Readable>;
}

export function createClient(server: Server, { clock, member }: ClientOptions): SimulatedClient {
  const { store, lessor, cluster, hub, oldReads } = server;
  const hasLease = (id: string): boolean => lessor.leases.has(id);

  /** Callbacks, as promises would be half of what a simulated call costs. */
  function exchange<T>(
    call: CallName,
    content: unknown,
    work: () => T | Promise<T>,
    { resolve, reject }: { resolve(value: T): void; reject(error: unknown): void },
  ): void {
    const answer = (told: unknown, arrive: () => void): void =>
      send(server.clock, client.onAnswer, { call, content: told }, { arrive, fail: reject });
    const say = (value: T): void => answer(value, () => resolve(value));
    const refuse = (error: unknown): void => answer(error, () => reject(error));
    const arrive = (): void => {
      try {
        const done = work();
        if (done instanceof Promise) done.then(say, refuse);
        else say(done);
      } catch (error) {
        refuse(error);
      }
    };
    send(server.clock, client.onRequest, { call, content }, { arrive, fail: reject });
  }

  /** The client gives up in time; what it asked for may be carried out all the same. */
  function ask<T>(
    call: CallName,
    content: unknown,
    { timeoutMs, signal }: CallOptions,
    work: () => T | Promise<T>,
  ): Promise<T> {
    if (signal?.aborted) return Promise.reject(signal.reason);
    return new Promise((resolve, reject) => {
      const timer = new AbortController();
      const settle = (act: () => void): void => {
        signal?.removeEventListener("abort", onAbort);
        timer.abort("settled");
        act();
      };
      const onAbort = (): void => settle(() => reject(signal?.reason));
      signal?.addEventListener("abort", onAbort, { once: true });
      clock.sleep(timeoutMs, { signal: timer.signal }).then(
        () => settle(() => reject(new EtcdUnavailableError(`no answer within ${timeoutMs} ms`))),
        () => {},
      );
      exchange(call, content, work, {
        resolve: (value) => settle(() => resolve(value)),
        reject: (error) => settle(() => reject(error)),
      });
    });
  }

  /** What needs a quorum. */
  function agreed<T>(work: () => T): T | Promise<T> {
    return cluster.members[member]?.serving ? work() : cluster.whenServing(member).then(work);
  }

  /** A member that answers with an old state has asked no other. */
  function agreedRead<T>(read: (state: Readable) => T): T | Promise<T> {
    const old = oldReads.get(member);
    return old ? cluster.whenRunning(member).then(() => read(old)) : agreed(() => read(store));
  }

  /** What the leader answers alone, and whoever takes itself for the leader. */
  function led<T>(work: () => T | Promise<T>): T | Promise<T> {
    const own = cluster.members[member];
    const running = own?.alive && !own.frozen;
    return running && (own.leading || own.serving) ? work() : whenLed().then(work);
  }

  async function whenLed(): Promise<void> {
    await cluster.whenRunning(member);
    if (!cluster.members[member]?.leading) await cluster.whenServing(member);
  }

  function renew(id: LeaseId): number | Promise<number> {
    const own = cluster.members[member];
    // A former leader goes on saying yes, whatever the others have decided meanwhile.
    if (own?.leading && !own.serving) return lessor.remembered(id);
    return lessor.renew(id);
  }

  const client: SimulatedClient = {
    onRequest: undefined,
    onAnswer: undefined,
    range: (range, options) =>
      ask("range", range, options, () => agreedRead((state) => readRange(state, range))),
    txn: (transaction: Transaction, options) =>
      ask("txn", transaction, options, () =>
        onlyReads(transaction)
          ? agreedRead((state) => carryOut(state, transaction, hasLease))
          : agreed(() => carryOut(store, transaction, hasLease)),
      ),
    leaseGrant: (ttlSeconds, options) =>
      ask("leaseGrant", ttlSeconds, options, () =>
        agreed(() => {
          const { id, ttlSeconds: granted } = lessor.grant(ttlSeconds);
          return { id, ttlSeconds: granted };
        }),
      ),
    leaseKeepAlive: (id, options) => ask("leaseKeepAlive", id, options, () => led(() => renew(id))),
    async leaseRevoke(id, options) {
      try {
        await ask("leaseRevoke", id, options, () => agreed(() => lessor.revoke(id)));
      } catch (error) {
        if (!isEtcdError(error, "ERR_ETCD_LEASE_NOT_FOUND")) throw error;
      }
    },
    leaseTimeToLive: (id, options) =>
      ask("leaseTimeToLive", id, options, () => led(() => lessor.timeToLive(id))),
    watch: (request, { signal }) =>
      openStream(request, {
        clock: server.clock,
        signal,
        onRequest: () => client.onRequest,
        onAnswer: () => client.onAnswer,
        open: async (ends) => {
          await cluster.whenRunning(member);
          return hub.open(member, request, ends);
        },
      }),
  };
  return client;
}
