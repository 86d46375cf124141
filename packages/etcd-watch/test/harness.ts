import { systemClock } from "@msdha/clock";
import {
  connectEtcd,
  type Etcd,
  type EtcdApi,
  type KeyValue,
  readEtcdSettings,
  type WatchEvent,
} from "@msdha/etcd-client";
import { type WatchBatch, type WatchPrefixOptions, watchPrefix } from "../src/index.ts";

/** A client of the members or proxies at these ports, the first one being asked first. */
export function connect(ports: readonly number[], env: NodeJS.ProcessEnv = {}): Etcd {
  const endpoints = ports.map((port) => `http://127.0.0.1:${port}`).join(",");
  return connectEtcd(readEtcdSettings({ ETCDCTL_ENDPOINTS: endpoints, ...env }));
}

export async function put(etcd: EtcdApi, key: string, value: string): Promise<number> {
  const { revision } = await etcd.txn(
    { compare: [], success: [{ type: "put", key, value }], failure: [] },
    { timeoutMs: 5_000 },
  );
  return revision;
}

/** Puts `count` values of `size` bytes, 100 in flight at a time, each under a key of its own: PREFIX and a number. */
export async function putMany(etcd: EtcdApi, prefix: string, count: number, size: number): Promise<void> {
  for (let first = 0; first < count; first += 100) {
    const some = Array.from({ length: Math.min(100, count - first) }, (_, n) => first + n);
    await Promise.all(some.map((n) => put(etcd, `${prefix}${n}`, String(n).padEnd(size, "."))));
  }
}

/** A watch that is consumed into arrays. */
export interface Recorded extends AsyncDisposable {
  readonly batches: readonly WatchBatch[];
  /** All events of all changes. */
  readonly events: readonly WatchEvent[];
  /** What following snapshot and changes leads to. */
  readonly state: ReadonlyMap<string, KeyValue>;
  readonly health: readonly { readonly up: boolean; readonly at: number }[];
  /** The error that ended it, if one did. */
  readonly ended: unknown;
}

export function record(etcd: EtcdApi, prefix: string, options: WatchPrefixOptions = {}): Recorded {
  const stop = new AbortController();
  const batches: WatchBatch[] = [];
  const events: WatchEvent[] = [];
  const state = new Map<string, KeyValue>();
  const health: { up: boolean; at: number }[] = [];
  let ended: unknown;
  const onHealth = (up: boolean): void => {
    health.push({ up, at: systemClock.now() });
  };

  async function consume(): Promise<void> {
    for await (const batch of watchPrefix(etcd, prefix, { ...options, signal: stop.signal, onHealth })) {
      batches.push(batch);
      if (batch.type === "snapshot") {
        for (const kv of batch.kvs) state.set(kv.key, kv);
        continue;
      }
      events.push(...batch.events);
      for (const { type, kv } of batch.events) {
        if (type === "PUT") state.set(kv.key, kv);
        else state.delete(kv.key);
      }
    }
  }

  const consuming = consume().catch((error: unknown) => {
    ended = error;
  });
  return {
    batches,
    events,
    state,
    health,
    get ended() {
      return ended;
    },
    async [Symbol.asyncDispose]() {
      stop.abort(new Error("the test is over"));
      await consuming;
    },
  };
}
