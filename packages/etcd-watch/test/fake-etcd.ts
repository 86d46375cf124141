import {
  type CallOptions,
  type EtcdApi,
  EtcdCompactedError,
  type KeyRange,
  type KeyValue,
  type RangeResult,
  type WatchEvent,
  type WatchMessage,
  type WatchRequest,
  type WatchStream,
} from "@msdha/etcd-client";

export type Write = { readonly put: string; readonly value?: string } | { readonly delete: string };

/** A stream as the member sees it. */
export interface FakeStream {
  readonly request: WatchRequest;
  /** How often progress was asked for. */
  readonly asked: number;
  readonly open: boolean;
  /** Takes what comes and answers nothing, as when packets are dropped. */
  silent: boolean;
  /** Does not notice that its signal has aborted. */
  deaf: boolean;
  /** Tells events only when this is false again. Other messages are sent meanwhile. */
  holdBack: boolean;
  /** Answers requests for progress with this revision, and tells no events: a member that lags. */
  stuckAt: number | undefined;
  send(message: Partial<WatchMessage>): void;
  fail(error: Error): void;
}

/** An etcd in memory, with its whole history, as far as a watch needs one. */
export interface FakeEtcd {
  readonly api: EtcdApi;
  readonly revision: number;
  /** Every event there ever was, of the present history. */
  readonly history: readonly WatchEvent[];
  readonly streams: readonly FakeStream[];
  readonly ranges: readonly (KeyRange & CallOptions)[];
  /** Called at the beginning of every range and watch; throws to fail it. */
  onCall: (method: "range" | "watch") => void;
  /** New streams are silent from the start. */
  hangOpens: boolean;
  /** Ranges don't answer. */
  hangRanges: boolean;
  /** Called between a range and its answer. */
  onAnswer: () => Promise<void>;
  /** Leaves events out of streams that are open, without a word. */
  swallows: (event: WatchEvent) => boolean;
  /** How many revisions a message of a backlog carries at most; 0 for no backlog. */
  revisionsPerMessage: number;
  /** All in one revision. */
  write(...writes: readonly Write[]): void;
  compact(): void;
  save(): Saved;
  /** Breaks every stream and goes on from an older state. */
  restore(saved: Saved): void;
  breakStreams(error: Error): void;
}

export interface Saved {
  readonly revision: number;
  readonly state: ReadonlyMap<string, KeyValue>;
  readonly history: readonly WatchEvent[];
}

export function createFakeEtcd(): FakeEtcd {
  let revision = 1;
  let compacted = 0;
  let state = new Map<string, KeyValue>();
  let history: WatchEvent[] = [];
  const streams: (FakeStream & { notify(events: readonly WatchEvent[]): void })[] = [];
  const ranges: (KeyRange & CallOptions)[] = [];
  const unused = (): never => {
    throw new Error("not used by a watch");
  };

  const fake: FakeEtcd = {
    api: {
      range,
      watch,
      txn: unused,
      leaseGrant: unused,
      leaseKeepAlive: unused,
      leaseRevoke: unused,
      leaseTimeToLive: unused,
    },
    get revision() {
      return revision;
    },
    get history() {
      return history;
    },
    streams,
    ranges,
    onCall: () => {},
    hangOpens: false,
    hangRanges: false,
    onAnswer: async () => {},
    swallows: () => false,
    revisionsPerMessage: 3,
    write,
    compact: () => {
      compacted = revision;
    },
    save: () => ({ revision, state: new Map(state), history: [...history] }),
    restore: (saved) => {
      ({ revision } = saved);
      state = new Map(saved.state);
      history = [...saved.history];
      fake.breakStreams(new Error("restored"));
    },
    breakStreams: (error) => {
      for (const stream of streams) stream.fail(error);
    },
  };

  function write(...writes: readonly Write[]): void {
    revision += 1;
    const events = writes.map((each): WatchEvent => {
      if ("delete" in each) {
        state.delete(each.delete);
        return { type: "DELETE", kv: keyValue(each.delete, { modRevision: revision }) };
      }
      const createRevision = state.get(each.put)?.createRevision ?? revision;
      const kv = keyValue(each.put, { value: each.value ?? "", createRevision, modRevision: revision });
      state.set(each.put, kv);
      return { type: "PUT", kv };
    });
    history.push(...events);
    const told = events.filter((event) => !fake.swallows(event));
    for (const stream of streams) stream.notify(told);
  }

  async function range(asked: KeyRange, options: CallOptions): Promise<RangeResult> {
    ranges.push({ ...asked, ...options });
    fake.onCall("range");
    if (fake.hangRanges) await aborted(options.signal);
    const kvs = [...state.values()].filter(({ key }) => isWithin(key, asked));
    const answer = { kvs: kvs.sort((a, b) => (a.key < b.key ? -1 : 1)), revision };
    await fake.onAnswer();
    return answer;
  }

  function watch(request: WatchRequest, { signal }: { readonly signal: AbortSignal }): WatchStream {
    fake.onCall("watch");
    const messages: WatchMessage[] = [];
    let failure: unknown;
    let wake = (): void => {};
    let asked = 0;
    let heldBack: WatchEvent[] | undefined;
    const fail = (error: unknown): void => {
      failure ??= error;
      wake();
    };
    const stream: (typeof streams)[number] = {
      request,
      silent: fake.hangOpens,
      deaf: false,
      get holdBack() {
        return heldBack !== undefined;
      },
      set holdBack(hold) {
        const events = heldBack ?? [];
        heldBack = hold ? events : undefined;
        if (!hold) stream.notify(events);
      },
      stuckAt: undefined,
      get asked() {
        return asked;
      },
      get open() {
        return failure === undefined;
      },
      fail,
      send: (message) => {
        if (stream.silent || failure) return;
        messages.push({ revision, created: false, events: [], ...message });
        wake();
      },
      notify: (events) => {
        const start = request.startRevision ?? 0;
        const own = events.filter(({ kv }) => isWithin(kv.key, request) && kv.modRevision >= start);
        if (heldBack) heldBack.push(...own);
        else if (own.length > 0 && stream.stuckAt === undefined) stream.send({ events: own });
      },
    };
    streams.push(stream);
    signal.addEventListener("abort", () => stream.deaf || fail(signal.reason), { once: true });
    const start = request.startRevision ?? revision + 1;
    if (start < compacted) fail(new EtcdCompactedError("compacted", compacted));
    else {
      stream.send({ created: true });
      const revisions = new Set(history.map(({ kv }) => kv.modRevision).filter((each) => each >= start));
      const all = [...revisions];
      const size = fake.revisionsPerMessage;
      for (let first = 0; size > 0 && first < all.length; first += size) {
        const part = all.slice(first, first + size);
        // A compaction forgets the deletions of its own revision too (etcd issue 18089).
        const kept = history.filter(({ type, kv }) => type === "PUT" || kv.modRevision !== compacted);
        stream.notify(kept.filter(({ kv }) => part.includes(kv.modRevision)));
      }
    }

    return {
      requestProgress: () => {
        asked += 1;
        stream.send(stream.stuckAt === undefined ? {} : { revision: stream.stuckAt });
      },
      async *[Symbol.asyncIterator]() {
        for (;;) {
          const message = messages.shift();
          if (message) yield message;
          else if (failure) throw failure;
          else {
            await new Promise<void>((resolve) => {
              wake = resolve;
            });
          }
        }
      },
    };
  }

  return fake;
}

export function keyValue(key: string, more: Partial<KeyValue> = {}): KeyValue {
  return { key, value: "", createRevision: 0, modRevision: 0, lease: "0", ...more };
}

function isWithin(key: string, { key: wanted, prefix = false }: KeyRange): boolean {
  return prefix ? key.startsWith(wanted) : key === wanted;
}

function aborted(signal: AbortSignal | undefined): Promise<never> {
  return new Promise((_, reject) => {
    signal?.addEventListener("abort", () => reject(signal.reason), { once: true });
  });
}
