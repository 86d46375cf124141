import type { RunFacts } from "../facts/facts.ts";
import { withMany, withMixedTtls, withSlowNetwork } from "./circumstances.ts";
import type { Mutation } from "./mutation.ts";
import { asHandedOver, changePut, takesLock, withoutCompare } from "./transactions.ts";
import { withUnseenRecord } from "./unseen-record.ts";
import { tamperWith } from "./wrap-etcd.ts";

export const noWait: Mutation = {
  rule: "4: nobody waits for the former master",
  noticedBy: "waitForTheFormer",
  collaborators: {
    etcd: (etcd, _, { keys }) =>
      tamperWith(etcd, {
        result: (result, asked) =>
          result.succeeded && takesLock(asked, keys) ? asHandedOver(result, keys) : result,
      }),
  },
};

const askedAt = new WeakMap<RunFacts, number>();

export const waitFromRequest: Mutation = {
  rule: "4: the wait counts from the request for the lock, not from the answer",
  noticedBy: "waitForTheFormer",
  collaborators: {
    etcd: (etcd, run, { keys, scheduler }) => ({
      ...etcd,
      async txn(transaction, options) {
        const asked = run.supervisor.clock.now();
        const answer = await etcd.txn(transaction, options);
        if (takesLock(transaction, keys)) {
          askedAt.set(run, asked);
          scheduler.after(0, () => askedAt.delete(run));
        }
        return answer;
      },
    }),
    clock: (clock, run) => ({
      now: () => askedAt.get(run) ?? clock.now(),
      sleep: (ms, options) => clock.sleep(ms, options),
    }),
  },
  circumstances: (usual) => withSlowNetwork(withMany("deleteLock")(usual)),
};

export const waitForOwnTtl: Mutation = {
  rule: "4: the wait is for one's own TTL, whatever the group's record says",
  noticedBy: "waitForTheFormer",
  collaborators: {
    etcd: (etcd, _, { keys }) =>
      tamperWith(etcd, { kv: (kv) => (kv.key === keys.ttl ? { ...kv, value: "0" } : kv) }),
  },
};

export const recordLoweredByTaking: Mutation = {
  rule: "4: taking the lock lowers the group's record",
  noticedBy: "ttlNotLoweredEarly",
  collaborators: {
    etcd: (etcd, { ttlMs }, { keys }) =>
      tamperWith(etcd, {
        transaction: (asked) =>
          takesLock(asked, keys)
            ? changePut(asked, keys.ttl, (put) => ({ ...put, value: String(ttlMs / 1_000) }))
            : asked,
      }),
  },
};

export const recordNotCompared: Mutation = {
  rule: "4: taking the lock does not compare the record's revision",
  noticedBy: "ttlNotLoweredEarly",
  collaborators: {
    etcd: (etcd, _, { keys }) =>
      tamperWith(withUnseenRecord(etcd, keys), { transaction: (asked) => withoutCompare(asked, keys.ttl) }),
  },
  circumstances: (usual) => withMixedTtls(withMany("killContainer")(usual)),
};

export const recordOnLease: Mutation = {
  rule: "4: the group's record is on its writer's lease",
  noticedBy: "ttlNotLoweredEarly",
  collaborators: {
    etcd: (etcd, run, { keys }) =>
      tamperWith(etcd, {
        transaction: (asked) => changePut(asked, keys.ttl, (put) => ({ ...put, lease: run.lease ?? "0" })),
      }),
  },
};

export const recordNotLookedAt: Mutation = {
  rule: "4: the watch is trusted to have shown every step of the lock, whatever the record says",
  noticedBy: "waitForTheFormer",
  collaborators: {
    etcd(etcd, _, { keys }) {
      let record = 0;
      let freeRecord: number | undefined;
      return tamperWith(etcd, {
        kv(kv) {
          if (kv.key === keys.ttl) record = kv.modRevision;
          if (kv.key !== keys.lock) return kv;
          if (kv.value === "") {
            freeRecord = record;
            return kv;
          }
          return { ...kv, value: JSON.stringify({ ...JSON.parse(kv.value), record: freeRecord ?? record }) };
        },
      });
    },
  },
  // A node that is held back does not try, and is not told of the holder by its own try.
  circumstances: withMany("swallowTaking", "holdNode", "takeAsksBack"),
};
