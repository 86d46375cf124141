import { type Clock, notNeeded } from "@msdha/clock";
import type { EtcdApi } from "@msdha/etcd-client";
import { createGroupView, type GroupView, mastership, readMaster } from "@msdha/group";
import { type MasterRead, provenAt } from "./proven-at.ts";

export interface ProveMasterOptions {
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** The group's TTL where etcd has no record of it. */
  readonly ttlSeconds: number;
  /** Called when the proof of the watched master is over (`false`), and when there is one (`true`). Must not throw. */
  readonly onProven: (proven: boolean) => void;
  /** Called when etcd is asked. Must not throw. */
  readonly onAsk?: () => void;
}

/** The proof that the master which the watch shows is the one that a quorum of etcd knows. */
export interface MasterProver {
  /** Takes what the watch shows now; `onProven` is called before this returns if that changes the proof. */
  watched(view: GroupView): void;
  /** Whether a quorum has confirmed the watched master within the bound; without a master, whether one has answered. */
  readonly proven: boolean;
  /** When the newest read that a quorum has answered was sent; undefined before the first. */
  readonly readAt: number | undefined;
}

/** A watch may be late by any time, or silent for good: what it shows is believed for this many TTLs after a proof. */
const BOUND_TTLS = 2;
const ASKS_PER_TTL = 3;
/** Between a read that failed and the next one, in parts of the TTL. */
const RETRIES_PER_TTL = 15;

/**
 * Reads the master by quorum every third of the TTL, and at once when the watch shows one that no read bears out. Begins
 * without a proof. Not promised: anything while this process is frozen.
 */
export function proveMaster(etcd: EtcdApi, group: string, options: ProveMasterOptions): MasterProver {
  const { clock, signal, ttlSeconds, onProven, onAsk = () => {} } = options;
  let view = createGroupView(group);
  let latest: MasterRead | undefined;
  let proven = false;
  let expiry = new AbortController();
  let pause = new AbortController();
  signal.addEventListener(
    "abort",
    () => {
      expiry.abort(notNeeded);
      pause.abort(notNeeded);
    },
    { once: true },
  );

  const ttlMs = (): number => 1_000 * (view.ttl.seconds || ttlSeconds);
  const masterName = (now: GroupView): string | undefined => {
    const master = mastership(now);
    return master.kind === "master" ? master.name : undefined;
  };

  /** Looks at the proof again, and once more when it will be over. */
  function judge(): void {
    expiry.abort(notNeeded);
    if (signal.aborted) return;
    const leftMs = provenAt(latest, view) + BOUND_TTLS * ttlMs() - clock.now();
    if (leftMs > 0 !== proven) {
      proven = leftMs > 0;
      onProven(proven);
    }
    if (leftMs <= 0) return;
    expiry = new AbortController();
    clock.sleep(leftMs, { signal: expiry.signal }).then(judge, () => {});
  }

  /** Resolves with whether the answer says anything about the watched master. */
  async function ask(): Promise<boolean> {
    const sent = clock.now();
    const known = view.revision;
    const node = masterName(view);
    const read = await readMaster(etcd, group, { node, timeoutMs: ttlMs() / ASKS_PER_TTL, signal });
    // An older state is a restored etcd's, or a member's that does not know better.
    if (read.revision < known) return true;
    const now = masterName(view);
    const published = now === undefined ? undefined : view.nodes.get(now)?.modRevision;
    if (published !== undefined && now !== node && read.revision >= published) return false;
    latest = { sent, view: read };
    judge();
    return true;
  }

  async function keepAsking(): Promise<void> {
    while (!signal.aborted) {
      pause = new AbortController();
      const asked = ask();
      onAsk();
      const answered = await asked.catch(() => "failed" as const);
      if (answered === false) continue;
      const pauseMs = ttlMs() / (answered === "failed" ? RETRIES_PER_TTL : ASKS_PER_TTL);
      await clock.sleep(pauseMs, { signal: pause.signal }).catch(() => {});
    }
  }
  void keepAsking();

  return {
    watched(now) {
      view = now;
      judge();
      if (!proven) pause.abort(notNeeded);
    },
    get proven() {
      return proven;
    },
    get readAt() {
      return latest?.sent;
    },
  };
}
