import type { Clock } from "@msdha/clock";
import { EtcdLeaseNotFoundError, type KeyValue, type LeaseId } from "@msdha/etcd-client";
import { createClient, type SimulatedClient } from "./client.ts";
import { type Cluster, createCluster, type SimulatedMember } from "./cluster.ts";
import { createLessor, type LeaseRecord } from "./lessor.ts";
import { type Readable, readFrom } from "./old-reads.ts";
import { createRandom } from "./random.ts";
import { type Change, createStore, type StoreSnapshot } from "./store.ts";
import { createWatchHub } from "./watch-hub.ts";

export interface SimulatedEtcdOptions {
  /** The cluster's clock: leases run by it. Nothing here ever waits for real time. */
  readonly clock: Clock;
  /** Decides over what etcd leaves open: how late an expired lease goes, who becomes leader and when. */
  readonly seed?: number;
  /** How many members there are; default: 1. */
  readonly members?: number;
  /** etcd's election timeout; default: 1,000 ms. It also sets the shortest TTL of a lease. */
  readonly electionMs?: number;
  /** Called with every change, when it is carried out. */
  readonly onChange?: (change: Change) => void;
}

/** A copy of everything that etcd holds. */
export interface EtcdSnapshot {
  readonly store: StoreSnapshot;
  readonly leases: readonly LeaseRecord[];
}

export interface SimulatedEtcd {
  /** Returns a client of one member; default: the first. */
  connect(options?: ConnectSimulatedOptions): SimulatedClient;
  readonly members: readonly SimulatedMember[];
  readonly changeLeader: Cluster["changeLeader"];
  /**
   * Has a member answer reads, transactions that only read included, with what etcd holds now, until `false`: what etcd
   * before 3.4.42, 3.5.28 and 3.6.9 may do after it was paused or lost its leader (etcd 20418, 21375). A restore ends it:
   * every member is a new one then.
   */
  answerOldReads(member: number, old: boolean): void;
  /** What etcd holds, past every link: for assertions, and for what people do by hand. Carried out at once. */
  readonly store: StoreAccess;
}

export interface ConnectSimulatedOptions {
  readonly member?: number;
  /** The clock of the client's timeouts; default: the cluster's. */
  readonly clock?: Clock;
}

export interface StoreAccess {
  readonly revision: number;
  readonly compacted: number;
  get(key: string): KeyValue | undefined;
  list(prefix: string): readonly KeyValue[];
  /** Every change from this revision on, from the first that is not compacted at the least. */
  history(fromRevision?: number): readonly Change[];
  readonly leases: ReadonlyMap<LeaseId, LeaseRecord>;
  put(key: string, value: string, options?: { readonly lease?: LeaseId }): void;
  delete(key: string): void;
  /** Removes a lease with its keys. Throws an `EtcdLeaseNotFoundError` when there is none. */
  revoke(lease: LeaseId): void;
  /** Forgets what happened before `revision`. */
  compact(revision: number): void;
  save(): EtcdSnapshot;
  /**
   * Goes back to a snapshot, as when etcd is restored: leases have their whole TTL, streams break, and revisions go back,
   * or are larger by `bumpBy` and those before are compacted, as by `etcdutl snapshot restore --bump-revision --mark-compacted`.
   */
  restore(snapshot: EtcdSnapshot, options?: { readonly bumpBy?: number }): void;
}

/** Makes an etcd that lives in memory and does nothing but by its clock and its clients. */
export function createSimulatedEtcd({
  clock,
  seed = 1,
  members: size = 1,
  electionMs = 1_000,
  onChange = () => {},
}: SimulatedEtcdOptions): SimulatedEtcd {
  const random = createRandom(seed);
  const store = createStore({
    onLease: (id, key, attached) => lessor.attach(id, key, attached),
    onChange: (change) => {
      onChange(change);
      hub.review();
    },
  });
  const cluster = createCluster({
    ...{ clock, random, size, electionMs },
    onPromotion: () => lessor.promote(),
    onMembers: () => hub.review(),
  });
  const lessor = createLessor({
    ...{ clock, random, electionMs },
    whenLed: cluster.whenLed,
    deleteKeys: (keys) =>
      store.write((writer) => {
        for (const key of keys) writer.delete(key);
      }),
  });
  const oldReads = new Map<number, Readable>();
  const hub = createWatchHub({ clock, store, cluster, electionMs });

  const access: StoreAccess = {
    get revision() {
      return store.revision;
    },
    get compacted() {
      return store.compacted;
    },
    get: store.get,
    list: (prefix) => store.range({ key: prefix, prefix: true }),
    history: (from = 0) => store.since(from),
    leases: lessor.leases,
    put(key, value, { lease = "0" } = {}) {
      if (lease !== "0" && !lessor.leases.has(lease))
        throw new EtcdLeaseNotFoundError("requested lease not found");
      store.write((writer) => writer.put(key, value, lease));
    },
    delete: (key) => store.write((writer) => void writer.delete(key)),
    revoke: (lease) => lessor.revoke(lease),
    compact: (revision) => store.compact(revision),
    save: () => ({ store: store.save(), leases: lessor.save() }),
    restore(snapshot, options) {
      store.load(snapshot.store, options);
      lessor.load(snapshot.leases);
      oldReads.clear();
      hub.breakAll();
    },
  };

  return {
    connect: ({ member = 0, clock: own = clock } = {}) => {
      if (!cluster.members[member])
        throw new RangeError(`expected a member from 0 to ${size - 1}, got ${member}`);
      return createClient({ clock, store, lessor, cluster, hub, oldReads }, { clock: own, member });
    },
    members: cluster.members,
    changeLeader: cluster.changeLeader,
    answerOldReads(member, old) {
      if (old) oldReads.set(member, readFrom(store.save()));
      else oldReads.delete(member);
    },
    store: access,
  };
}
