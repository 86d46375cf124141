import type { Clock } from "@msdha/clock";
import { EtcdLeaseNotFoundError, EtcdRequestError, type LeaseId } from "@msdha/etcd-client";
import type { Random } from "./random.ts";

/** A lease as etcd's leader has it. */
export interface LeaseRecord {
  readonly id: LeaseId;
  /** What was granted. */
  readonly ttlSeconds: number;
  /** When it may be removed, on the cluster's clock; it is, up to 0.6 s later. */
  readonly expiresAt: number;
  readonly keys: ReadonlySet<string>;
}

export interface Lessor {
  readonly leases: ReadonlyMap<LeaseId, LeaseRecord>;
  grant(ttlSeconds: number): LeaseRecord;
  /** Renews a lease and says its TTL, 0 when it is gone. One that has expired is not renewed any more: 0 once it is. */
  renew(id: LeaseId): number | Promise<number>;
  /** What a former leader answers that does not know what happened since: the TTL of every lease that there ever was. */
  remembered(id: LeaseId): number;
  /** Removes a lease, its keys first. Throws when there is none. */
  revoke(id: LeaseId): void;
  /** The whole seconds left; -1 when there is no such lease. */
  timeToLive(id: LeaseId): number;
  attach(id: LeaseId, key: string, attached: boolean): void;
  /** A new leader takes over: every lease has its whole TTL again, and the time of an election. */
  promote(): void;
  save(): readonly LeaseRecord[];
  load(leases: readonly LeaseRecord[]): void;
}

export interface LessorOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly electionMs: number;
  /** Deletes a lease's keys, as one transaction. */
  readonly deleteKeys: (keys: readonly string[]) => void;
  /** Resolves when the cluster has a leader and a quorum; at once when it has. */
  readonly whenLed: () => Promise<void>;
}

const LATEST_REMOVAL_MS = 600;
const LONGEST_TTL_SECONDS = 9_000_000_000;
/** The first id is one that does not fit a JavaScript number. */
const FIRST_ID = 7_587_869_123_456_789_001n;

interface Held extends LeaseRecord {
  expiresAt: number;
  readonly keys: Set<string>;
  readonly gone: AbortController;
}

export function createLessor({ clock, random, electionMs, deleteKeys, whenLed }: LessorOptions): Lessor {
  const leases = new Map<LeaseId, Held>();
  const everGranted = new Map<LeaseId, number>();
  const shortestSeconds = Math.ceil((1.5 * electionMs) / 1_000);
  let granted = 0n;

  function add(id: LeaseId, ttlSeconds: number, keys: Iterable<string>): Held {
    const lease: Held = {
      id,
      ttlSeconds,
      expiresAt: clock.now() + ttlSeconds * 1_000,
      keys: new Set(keys),
      gone: new AbortController(),
    };
    leases.set(id, lease);
    everGranted.set(id, ttlSeconds);
    removeInTime(lease).catch(() => {}); // it ends with the lease
    return lease;
  }

  async function removeInTime(lease: Held): Promise<void> {
    for (;;) {
      while (clock.now() < lease.expiresAt) {
        await clock.sleep(lease.expiresAt - clock.now(), { signal: lease.gone.signal });
      }
      await clock.sleep(random.between(0, LATEST_REMOVAL_MS), { signal: lease.gone.signal });
      await whenLed();
      if (lease.gone.signal.aborted) return;
      if (clock.now() >= lease.expiresAt) revoke(lease.id);
    }
  }

  function revoke(id: LeaseId): void {
    const lease = leases.get(id);
    if (!lease) throw new EtcdLeaseNotFoundError("etcdserver: requested lease not found");
    deleteKeys([...lease.keys].sort());
    leases.delete(id);
    lease.gone.abort("the lease is gone");
  }

  function renew(id: LeaseId): number | Promise<number> {
    const lease = leases.get(id);
    if (!lease) return 0;
    if (clock.now() >= lease.expiresAt) return ended(lease.gone.signal).then(() => 0);
    lease.expiresAt = clock.now() + lease.ttlSeconds * 1_000;
    return lease.ttlSeconds;
  }

  function extendAll(byMs: number): void {
    for (const lease of leases.values()) lease.expiresAt = clock.now() + lease.ttlSeconds * 1_000 + byMs;
  }

  return {
    leases,
    grant(ttlSeconds) {
      if (ttlSeconds > LONGEST_TTL_SECONDS) throw new EtcdRequestError("etcdserver: too large lease TTL");
      granted += 1n;
      return add(String(FIRST_ID + granted), Math.max(ttlSeconds, shortestSeconds), []);
    },
    renew,
    remembered: (id) => everGranted.get(id) ?? 0,
    revoke,
    timeToLive(id) {
      const lease = leases.get(id);
      return lease ? Math.max(Math.trunc((lease.expiresAt - clock.now()) / 1_000), 0) : -1;
    },
    attach(id, key, attached) {
      const keys = leases.get(id)?.keys;
      if (attached) keys?.add(key);
      else keys?.delete(key);
    },
    promote: () => extendAll(electionMs),
    save: () =>
      [...leases.values()].map(({ id, ttlSeconds, expiresAt, keys }) => ({
        id,
        ttlSeconds,
        expiresAt,
        keys: new Set(keys),
      })),
    load(saved) {
      for (const lease of leases.values()) lease.gone.abort("etcd was restored");
      leases.clear();
      for (const { id, ttlSeconds, keys } of saved) add(id, ttlSeconds, keys);
    },
  };
}

function ended(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
