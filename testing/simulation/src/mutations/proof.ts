import type { EtcdApi, KeyRange, KeyValue, TransactionResult } from "@msdha/etcd-client";
import { isProof } from "../facts/apply-answer.ts";
import type { RunFacts } from "../facts/facts.ts";
import type { World } from "../world/world.ts";
import { withMany, withThreeMembers } from "./circumstances.ts";
import type { Mutation } from "./mutation.ts";
import { tamperWith } from "./wrap-etcd.ts";

export const proofByKeepalive: Mutation = {
  rule: "1: a keepalive is taken for a proof",
  noticedBy: "oneMasterRuns",
  collaborators: {
    etcd: (etcd, run, world) =>
      answerProofs(etcd, run, world, async (options) => {
        const seconds = run.lease === undefined ? 0 : await etcd.leaseKeepAlive(run.lease, options);
        return seconds > 0;
      }),
  },
  circumstances: withMany("captureByStaleLeader"),
};

export const proofByRead: Mutation = {
  rule: "1: the lock is proved by a read, which can be old, instead of a write",
  noticedBy: "oneMasterRuns",
  collaborators: {
    etcd: (etcd, _, { keys }) => ({
      ...etcd,
      async txn(transaction, options) {
        const [put] = transaction.success;
        if (!isProof(transaction, keys) || put?.type !== "put") return await etcd.txn(transaction, options);
        const { kvs, revision } = await etcd.range({ key: keys.lock }, options);
        const mark: KeyValue = { ...put, lease: put.lease ?? "0", createRevision: 0, modRevision: 0 };
        const results = [kvs, [mark]].map((each) => ({ type: "range", kvs: each }) as const);
        return { succeeded: false, results, revision };
      },
    }),
  },
  circumstances: (usual) => withThreeMembers({ ...withMany("oldReads")(usual), faults: 30 }),
};

export const proofFromAnswer: Mutation = {
  rule: "1: a proof counts from when its answer came, not from when it was asked for",
  noticedBy: "goneByKillTime",
  collaborators: {
    etcd(etcd, _, { keys }) {
      let last: TransactionResult | undefined;
      return {
        ...etcd,
        async txn(transaction, options) {
          if (!isProof(transaction, keys)) return await etcd.txn(transaction, options);
          // What was answered last stands for what is asked now, which is asked all the same for the next time.
          const asked = etcd.txn(transaction, options).then((answer) => {
            last = answer;
            return answer;
          });
          asked.catch(() => {});
          const known = last;
          last = undefined;
          return known ?? (await asked);
        },
      };
    },
  },
};

export const noProof: Mutation = {
  rule: "2: nothing is ever found to be lost, so that no stop begins in time",
  noticedBy: "oneMasterRuns",
  collaborators: { etcd: (etcd, run, world) => answerProofs(etcd, run, world, async () => true) },
  circumstances: withMany("partition"),
};

export const copyNotNoticed: Mutation = {
  rule: "1: who finds a proof that it did not write takes it for one of its own",
  noticedBy: "yieldsToCopy",
  collaborators: {
    etcd: (etcd, _, { keys }) =>
      tamperWith(etcd, {
        result(result, asked) {
          const [put] = asked.success;
          if (result.succeeded || !isProof(asked, keys) || put?.type !== "put") return result;
          const results = result.results.map((each) =>
            each.type === "range"
              ? {
                  ...each,
                  kvs: each.kvs.map((kv) => (kv.key === put.key ? { ...kv, value: put.value } : kv)),
                }
              : each,
          );
          return { ...result, results };
        },
      }),
  },
  circumstances: withMany("cloneMachine"),
};

/** Answers the reads of our own lock or node key without looking at it. */
function answerProofs(
  etcd: EtcdApi,
  run: RunFacts,
  { keys }: World,
  holds: (options: Parameters<EtcdApi["range"]>[1]) => Promise<boolean>,
): EtcdApi {
  const isRead = ({ key, prefix }: KeyRange): boolean =>
    !prefix && (key === keys.lock || key === keys.node(run.node));
  // A revision that goes back would say that etcd was restored.
  let revision = 0;
  const observed = <Answer extends { readonly revision: number }>(answer: Answer): Answer => {
    revision = Math.max(revision, answer.revision);
    return answer;
  };
  return {
    ...etcd,
    async txn(transaction, options) {
      if (!isProof(transaction, keys)) return observed(await etcd.txn(transaction, options));
      // As after an earlier try that went through: a write would have to be at a revision of its own.
      const [put] = transaction.success;
      const value = put?.type === "put" ? put.value : "";
      const [lock, mark] = [ours(keys.lock, run), { ...ours("", run), value }];
      const kvs = (await holds(options)) ? [[lock], [mark]] : [[], []];
      return { succeeded: false, results: kvs.map((each) => ({ type: "range", kvs: each })), revision };
    },
    async range(range, options) {
      if (!isRead(range)) return observed(await etcd.range(range, options));
      return { kvs: (await holds(options)) ? [ours(range.key, run)] : [], revision };
    },
  };
}

function ours(key: string, { lease = "0", lock }: RunFacts): KeyValue {
  return { key, value: "", lease, createRevision: lock?.token ?? 0, modRevision: 0 };
}
