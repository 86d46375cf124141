import type { Clock } from "@msdha/clock";
import {
  EtcdCompactedError,
  EtcdUnavailableError,
  type WatchMessage,
  type WatchRequest,
} from "@msdha/etcd-client";
import type { Cluster } from "./cluster.ts";
import type { Store } from "./store.ts";

export interface Watcher {
  requestProgress(): void;
  cancel(): void;
}

export interface WatchEnds {
  readonly onMessage: (message: WatchMessage) => void;
  readonly onEnd: (error: Error) => void;
}

/** The server's side of every watch. */
export interface WatchHub {
  open(member: number, request: WatchRequest, ends: WatchEnds): Watcher;
  /** Something was written, or a member changed: tells every watcher what its member knows. */
  review(): void;
  /** Breaks every stream, as a restored cluster does. */
  breakAll(): void;
}

export interface WatchHubOptions {
  readonly clock: Clock;
  readonly store: Store;
  readonly cluster: Cluster;
  readonly electionMs: number;
}

/** How many election timeouts without a leader a member lets a watch go on that asked for one. */
const ELECTIONS_WITHOUT_LEADER = 3;

interface Open extends WatchEnds {
  readonly member: number;
  readonly request: WatchRequest;
  next: number;
  progressWanted: boolean;
  leaderlessSince: number | undefined;
  /** The revision of whose deletions a compaction left nothing (etcd issue 18089); 0 for none. */
  forgets: number;
}

export function createWatchHub({ clock, store, cluster, electionMs }: WatchHubOptions): WatchHub {
  const watchers = new Set<Open>();

  function open(member: number, request: WatchRequest, ends: WatchEnds): Watcher {
    const watcher: Open = {
      ...ends,
      member,
      request,
      next: request.startRevision ?? store.revision + 1,
      progressWanted: false,
      leaderlessSince: undefined,
      forgets: 0,
    };
    if (!cluster.members[member]?.serving) {
      end(watcher, new EtcdUnavailableError("etcdserver: no leader"));
    } else {
      watchers.add(watcher);
      watcher.forgets = store.compacted;
      watcher.onMessage({ revision: store.revision, created: true, events: [] });
      sendEvents(watcher);
    }
    return {
      requestProgress() {
        watcher.progressWanted = true;
        if (watchers.has(watcher)) answerProgress(watcher);
      },
      cancel: () => watchers.delete(watcher),
    };
  }

  function review(): void {
    for (const watcher of [...watchers]) {
      const member = cluster.members[watcher.member];
      if (!member?.alive) end(watcher, new EtcdUnavailableError("the connection was closed"));
      else if (member.serving) {
        watcher.leaderlessSince = undefined;
        sendEvents(watcher);
        answerProgress(watcher);
      } else if (!member.frozen && watcher.leaderlessSince === undefined) {
        watcher.leaderlessSince = clock.now();
        void endWithoutLeader(watcher, clock.now());
      }
    }
  }

  async function endWithoutLeader(watcher: Open, since: number): Promise<void> {
    await clock.sleep(ELECTIONS_WITHOUT_LEADER * electionMs);
    if (watcher.leaderlessSince === since) end(watcher, new EtcdUnavailableError("etcdserver: no leader"));
  }

  function sendEvents(watcher: Open): void {
    const { key, prefix = false } = watcher.request;
    if (watcher.next > store.revision) return;
    if (watcher.next < store.compacted) {
      const message = `revisions before ${store.compacted} are compacted`;
      end(watcher, new EtcdCompactedError(message, store.compacted));
      return;
    }
    const events = store
      .since(watcher.next)
      .flatMap((change) => change.events)
      .filter(({ type, kv }) => type === "PUT" || kv.modRevision !== watcher.forgets)
      .filter(
        ({ kv }) => kv.modRevision >= watcher.next && (prefix ? kv.key.startsWith(key) : kv.key === key),
      );
    watcher.next = store.revision + 1;
    if (events.length > 0) watcher.onMessage({ revision: store.revision, created: false, events });
  }

  /** A member that is cut off still answers, with the revision that it knows of. */
  function answerProgress(watcher: Open): void {
    const member = cluster.members[watcher.member];
    if (!watcher.progressWanted || !member?.alive || member.frozen) return;
    watcher.progressWanted = false;
    const revision = member.serving ? store.revision : Math.min(watcher.next - 1, store.revision);
    watcher.onMessage({ revision, created: false, events: [] });
  }

  function end(watcher: Open, error: Error): void {
    watchers.delete(watcher);
    watcher.onEnd(error);
  }

  return {
    open,
    review,
    breakAll() {
      for (const watcher of [...watchers])
        end(watcher, new EtcdUnavailableError("the connection was closed"));
    },
  };
}
