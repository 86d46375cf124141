import type { EtcdApi, KeyRange, KeyValue, RangeResult } from "@msdha/etcd-client";
import type { RunFacts } from "../facts/facts.ts";
import type { World } from "../world/world.ts";
import { withMany } from "./circumstances.ts";
import type { Mutation } from "./mutation.ts";

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

export const proofFromAnswer: Mutation = {
  rule: "1: a proof counts from when its answer came, not from when it was asked for",
  noticedBy: "goneByKillTime",
  collaborators: {
    etcd(etcd, _, { keys }) {
      let last: RangeResult | undefined;
      return {
        ...etcd,
        async range(range, options) {
          if (range.prefix || range.key !== keys.lock) return await etcd.range(range, options);
          // What was answered last stands for what is asked now, which is asked all the same for the next time.
          const asked = etcd.range(range, options).then((answer) => {
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

/** Answers the reads of our own lock or node key without looking at it. */
function answerProofs(
  etcd: EtcdApi,
  run: RunFacts,
  { keys }: World,
  holds: (options: Parameters<EtcdApi["range"]>[1]) => Promise<boolean>,
): EtcdApi {
  const isProof = ({ key, prefix }: KeyRange): boolean =>
    !prefix && (key === keys.lock || key === keys.node(run.node));
  // A revision that goes back would say that etcd was restored.
  let revision = 0;
  const heard = <Answer extends { readonly revision: number }>(answer: Answer): Answer => {
    revision = Math.max(revision, answer.revision);
    return answer;
  };
  return {
    ...etcd,
    txn: async (transaction, options) => heard(await etcd.txn(transaction, options)),
    async range(range, options) {
      if (!isProof(range)) return heard(await etcd.range(range, options));
      return { kvs: (await holds(options)) ? [ours(range.key, run)] : [], revision };
    },
  };
}

function ours(key: string, { lease = "0", lock }: RunFacts): KeyValue {
  return { key, value: "", lease, createRevision: lock?.token ?? 0, modRevision: 0 };
}
