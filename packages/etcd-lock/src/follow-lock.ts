import type { Clock } from "@msdha/clock";
import type { EtcdApi, LeaseId, WatchEvent } from "@msdha/etcd-client";
import { type WatchBatch, watchPrefix } from "@msdha/etcd-watch";
import { followHandovers, type HandoverHistory, unknownHandovers } from "./handover-history.ts";
import { doubtFreeLock, followLock, type LockHistory, unknownLockHistory } from "./lock-history.ts";
import type { NamedLockKeys } from "./lock-keys.ts";
import { parseLock } from "./lock-value.ts";
import type { LockFollower } from "./settle.ts";
import { longerTtl, type TtlRecord, unknownTtl } from "./ttl-record.ts";
import { createWaiters } from "./waiters.ts";

/** Who has a lock. */
export interface Holder {
  readonly name: string;
  readonly token: number;
}

/** A lock as one revision of etcd has it. */
export interface LockView {
  /** 0 before the first answer. */
  readonly revision: number;
  readonly holder: (Holder & { readonly lease: LeaseId }) | undefined;
  /** The longest TTL that was seen. */
  readonly ttl: TtlRecord;
}

/** A lock that is followed by the watch of its keys. */
export interface FollowedLock extends LockFollower<LockView> {
  /** What the watch has shown of hand-overs. */
  readonly handovers: HandoverHistory;
  /** Records that an answer named another holder: the time since which the lock was free does not count any more. */
  doubtFreeLock(): void;
  /** Calls `listener` for every batch from now on, with whether etcd was restored. It must not throw. */
  listen(listener: (view: LockView, restored: boolean) => void): void;
  /** Settles only when following has ended: by an error of etcd that lasts, or with the reason of the signal. */
  readonly ended: Promise<never>;
}

/** Follows a lock until `signal` aborts. */
export function followNamedLock(
  etcd: EtcdApi,
  keys: NamedLockKeys,
  { clock, signal }: { readonly clock: Clock; readonly signal: AbortSignal },
): FollowedLock {
  let view: LockView = { revision: 0, holder: undefined, ttl: unknownTtl };
  let lockHistory: LockHistory = unknownLockHistory;
  let handovers = unknownHandovers;
  const listeners: ((view: LockView, restored: boolean) => void)[] = [];
  const waiters = createWaiters(clock);

  async function follow(): Promise<never> {
    for await (const batch of watchPrefix(etcd, keys.prefix, { clock, signal })) {
      lockHistory = followLock(lockHistory, keys, batch, clock.now());
      handovers = followHandovers(handovers, keys, batch);
      view = applyBatch(view, keys, batch);
      const restored = batch.type === "changes" && batch.restored;
      for (const listener of listeners) listener(view, restored);
      waiters.wake();
    }
    throw signal.reason ?? new Error("the watch of the lock has ended");
  }

  const ended = follow();
  ended.catch(() => {});
  return {
    get view() {
      return view;
    },
    get lockHistory() {
      return lockHistory;
    },
    get handovers() {
      return handovers;
    },
    doubtFreeLock() {
      lockHistory = doubtFreeLock(lockHistory);
    },
    async changed({ since, timeoutMs, signal: stop }) {
      stop?.throwIfAborted();
      if (view !== since) return;
      await waiters.wait({ ...(timeoutMs !== undefined && { timeoutMs }), ...(stop && { signal: stop }) });
    },
    listen: (listener) => void listeners.push(listener),
    ended,
  };
}

function applyBatch(view: LockView, keys: NamedLockKeys, batch: WatchBatch): LockView {
  const events: readonly WatchEvent[] =
    batch.type === "snapshot" ? batch.kvs.map((kv) => ({ type: "PUT", kv })) : batch.events;
  return events.reduce((before, event) => applyEvent(before, keys, event), {
    ...view,
    revision: batch.revision,
  });
}

function applyEvent(view: LockView, keys: NamedLockKeys, { type, kv }: WatchEvent): LockView {
  const present = type === "PUT";
  switch (kv.key) {
    case keys.lock: {
      const { createRevision: token, lease } = kv;
      const name = parseLock(kv.value)?.node ?? "unknown";
      return { ...view, holder: present ? { name, token, lease } : undefined };
    }
    case keys.ttl:
      return { ...view, ttl: longerTtl(view.ttl, present ? kv : undefined) };
    default:
      return view;
  }
}
