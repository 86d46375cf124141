import type { Clock } from "@msdha/clock";
import type { CallOptions, EtcdApi, KeyValue, Transaction, TransactionResult } from "@msdha/etcd-client";

/** What a call does: answers at once, later, never, or fails. May be changed while the lease runs. */
type Behaviour<T> = (call: FakeCall) => Promise<T>;

export interface FakeCall extends CallOptions {
  readonly at: number;
  readonly key?: string;
}

export interface FakeEtcd extends EtcdApi {
  onGrant: Behaviour<{ id: string; ttlSeconds: number }>;
  onKeepAlive: Behaviour<number>;
  onRange: Behaviour<readonly KeyValue[]>;
  onRevoke: Behaviour<void>;
  onTxn: (call: FakeCall & { readonly transaction: Transaction }) => Promise<TransactionResult>;
  readonly calls: Readonly<Record<"grant" | "keepAlive" | "range" | "revoke" | "txn", FakeCall[]>>;
  /** How many calls have not settled. */
  readonly underWay: number;
}

/** An etcd that answers as each test says; at first it grants lease 7, renews it and finds no keys. */
export function createFakeEtcd(clock: Clock): FakeEtcd {
  let underWay = 0;
  const calls = { grant: [], keepAlive: [], range: [], revoke: [], txn: [] } as FakeEtcd["calls"];
  const other = (): never => {
    throw new Error("not used by a lease");
  };

  async function run<T>(
    name: keyof FakeEtcd["calls"],
    more: CallOptions & { key?: string },
    behave: Behaviour<T>,
  ) {
    const call = { ...more, at: clock.now() };
    calls[name].push(call);
    underWay += 1;
    try {
      return await behave(call);
    } finally {
      underWay -= 1;
    }
  }

  const fake: FakeEtcd = {
    onGrant: async () => ({ id: "7", ttlSeconds: 60 }),
    onKeepAlive: async () => 60,
    onRange: async () => [],
    onRevoke: async () => {},
    onTxn: async () => ({ succeeded: true, results: [{ type: "put" }], revision: 2 }),
    calls,
    get underWay() {
      return underWay;
    },
    leaseGrant: (_ttl, options) => run("grant", options, (call) => fake.onGrant(call)),
    leaseKeepAlive: (_id, options) => run("keepAlive", options, (call) => fake.onKeepAlive(call)),
    leaseRevoke: (_id, options) => run("revoke", options, (call) => fake.onRevoke(call)),
    range: async ({ key }, options) => {
      const kvs = await run("range", { ...options, key }, (call) => fake.onRange(call));
      return { kvs, revision: 1 };
    },
    leaseTimeToLive: other,
    txn: (transaction, options) => run("txn", options, (call) => fake.onTxn({ ...call, transaction })),
    watch: other,
  };
  return fake;
}

export function keyValue(more: Partial<KeyValue> = {}): KeyValue {
  return { key: "/node", value: "", createRevision: 5, modRevision: 5, lease: "7", ...more };
}

/** Never answers; ends when it is aborted. */
export function hang(call: FakeCall): Promise<never> {
  return new Promise((_, reject) => {
    if (call.signal?.aborted) reject(call.signal.reason);
    call.signal?.addEventListener("abort", () => reject(call.signal?.reason), { once: true });
  });
}
