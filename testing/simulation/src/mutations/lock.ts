import { type KeyValue, rangeAnswer } from "@msdha/etcd-client";
import { withMany } from "./circumstances.ts";
import type { Mutation } from "./mutation.ts";
import { asHandedOver, givesLockBack, takesLock, withoutCompare } from "./transactions.ts";
import { tamperWith } from "./wrap-etcd.ts";

export const tokenNotCompared: Mutation = {
  rule: "5: writes of the master do not compare the fencing token",
  noticedBy: "handOverWhenGone",
  collaborators: {
    etcd: (etcd, _, { keys }) =>
      tamperWith(etcd, {
        transaction: (asked) => (takesLock(asked, keys) ? asked : withoutCompare(asked, keys.lock)),
      }),
  },
  circumstances: withMany("stopNode", "deleteLock", "slowNetwork"),
};

export const lockNotCompared: Mutation = {
  rule: "6: taking the lock does not look whether it is held",
  noticedBy: "keysAreRespected",
  collaborators: {
    etcd: (etcd, _, { keys }) =>
      tamperWith(etcd, {
        transaction: (asked) => (takesLock(asked, keys) ? withoutCompare(asked, keys.lock) : asked),
      }),
  },
};

export const noWaitAfterAdoption: Mutation = {
  rule: "6: who finds the lock on its own lease does not wait",
  noticedBy: "waitForTheFormer",
  collaborators: {
    etcd: (etcd, run, { keys }) =>
      tamperWith(etcd, {
        result(result, asked) {
          const [lock] = takesLock(asked, keys) && !result.succeeded ? rangeAnswer(result, 0) : [];
          if (!lock || lock.lease !== run.lease) return result;
          return asHandedOver({ ...result, succeeded: true, revision: lock.createRevision }, keys);
        },
      }),
  },
  circumstances: withMany("lossyNetwork"),
};

export const handOverWithoutWait: Mutation = {
  rule: "7: who gave up in the middle of its wait hands over",
  noticedBy: "handOverWhenGone",
  collaborators: {
    etcd: (etcd, run, { keys }) =>
      tamperWith(etcd, {
        async transaction(asked) {
          const handsOver = asked.success.some(
            (operation) => operation.type === "put" && operation.key === keys.handover,
          );
          if (!givesLockBack(asked, keys) || handsOver) return asked;
          const { id: lease } = await etcd.leaseGrant(60, { timeoutMs: run.ttlMs });
          const value = JSON.stringify({ node: run.node });
          return { ...asked, success: [...asked.success, { type: "put", key: keys.handover, value, lease }] };
        },
      }),
  },
};

export const staleHandOverBelieved: Mutation = {
  rule: "7: a hand-over that came back with a snapshot is believed",
  noticedBy: "waitForTheFormer",
  collaborators: {
    etcd: (etcd, _, { keys }) =>
      tamperWith(etcd, {
        transaction: (asked) => ({
          ...asked,
          success: asked.success.map((operation) =>
            operation.type === "txn"
              ? {
                  ...operation,
                  compare: [{ key: keys.handover, target: "create", is: ">", value: 0 } as const],
                }
              : operation,
          ),
        }),
      }),
  },
  circumstances: (usual) => ({ ...withMany("stopNode")(usual), moments: { freeze: 0, snapshot: 1 } }),
};

export const formerRunByName: Mutation = {
  rule: "8: a node takes whoever has its name for its own former run",
  noticedBy: "onlyOwnLeases",
  collaborators: {
    files: (files) => ({ ...files, formerRunId: FORMER }),
    etcd: (etcd, run, { keys }) =>
      tamperWith(etcd, {
        kv: (kv) =>
          kv.key === keys.details(run.node) && !kv.value.includes(`"${run.id}"`) ? withRunId(kv, FORMER) : kv,
      }),
  },
};

const FORMER = "former";

function withRunId(kv: KeyValue, runId: string): KeyValue {
  return kv.value === "" ? kv : { ...kv, value: JSON.stringify({ ...JSON.parse(kv.value), runId }) };
}

export const nodeKeyNotCompared: Mutation = {
  rule: "8: a node's key is put whoever has it",
  noticedBy: "keysAreRespected",
  collaborators: {
    etcd: (etcd, run, { keys }) =>
      tamperWith(etcd, {
        transaction: (asked) => withoutCompare(asked, keys.node(run.node)),
      }),
  },
};
