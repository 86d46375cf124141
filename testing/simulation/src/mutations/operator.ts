import type { KeyValue } from "@msdha/etcd-client";
import { parseKey } from "@msdha/group";
import type { Scenario } from "../scenario.ts";
import { withMany } from "./circumstances.ts";
import type { Mutation } from "./mutation.ts";
import { takesLock, withoutCompare } from "./transactions.ts";
import { tamperWith } from "./wrap-etcd.ts";

export const pauseNotCompared: Mutation = {
  rule: "asks: taking the lock does not look for a pause or a hold",
  noticedBy: "pauseIsKept",
  collaborators: {
    etcd: (etcd, run, { keys }) =>
      tamperWith(etcd, {
        transaction: (asked) =>
          takesLock(asked, keys)
            ? withoutCompare(withoutCompare(asked, keys.ask("pause")), keys.ask("hold", run.node))
            : asked,
      }),
  },
  circumstances: withMany("pauseGroup", "stopNode"),
};

export const pauseSweptEarly: Mutation = {
  rule: "asks: a pause is taken away before its end",
  noticedBy: "pauseIsKept",
  collaborators: {
    etcd: (etcd, _, { keys }) => tamperWith(etcd, { kv: (kv) => change(kv, keys, { until: 0 }, "pause") }),
  },
  circumstances: withMany("pauseGroup"),
};

export const requestForAnyRun: Mutation = {
  rule: "asks: a node carries out a request for another lock",
  noticedBy: "requestsEndTheirRun",
  collaborators: {
    etcd: (etcd, run, { keys }) =>
      tamperWith(etcd, { kv: (kv) => change(kv, keys, { token: run.lock?.token ?? 0 }, "switchover") }),
  },
  circumstances: withMany("askSwitchover"),
};

export const promotionNotRecorded: Mutation = {
  rule: "history: a publication does not record the master's time",
  noticedBy: "promotionsAreRecorded",
  collaborators: {
    etcd: (etcd, _, { keys }) =>
      tamperWith(etcd, {
        transaction: (asked) => ({
          ...asked,
          success: asked.success.filter(
            (operation) => operation.type !== "put" || parseKey(keys, operation.key).kind !== "term",
          ),
        }),
      }),
  },
};

export const reportNotCompared: Mutation = {
  rule: "reports: a report is stored without looking whether the node's key is there",
  noticedBy: "reportsAreOwn",
  collaborators: {
    etcd: (etcd, run, { keys }) =>
      tamperWith(etcd, {
        transaction: (asked) =>
          asked.success.some(
            ({ type, ...at }) => type === "put" && "key" in at && at.key === keys.report(run.node),
          )
            ? withoutCompare(asked, keys.node(run.node))
            : asked,
      }),
  },
  circumstances: withMany("deleteReport", "deleteNodeKey"),
};

export const orderForAnyRun: Mutation = {
  rule: "orders: a node accepts a loss that another run of it was ordered to accept",
  noticedBy: "lossIsOrdered",
  collaborators: {
    etcd: (etcd, run, { keys }) =>
      tamperWith(etcd, { kv: (kv) => change(kv, keys, { run: run.id }, "promote") }),
  },
  circumstances: (usual) => allRanked(withMany("orderPromotion", "stopNode")(usual)),
};

export const orderOutlivesMaster: Mutation = {
  rule: "orders: an order is obeyed after another master was published",
  noticedBy: "lossIsOrdered",
  collaborators: {
    etcd: (etcd, _, { keys, facts }) =>
      tamperWith(etcd, {
        kv: (kv) => change(kv, keys, { token: Math.max(0, ...facts.group.terms.keys()) }, "promote"),
      }),
  },
  circumstances: (usual) => allRanked(withMany("orderPromotion", "stopNode")(usual)),
};

export const orderNotAccepted: Mutation = {
  rule: "orders: a node is promoted under an order that may be withdrawn",
  noticedBy: "lossIsOrdered",
  collaborators: {
    etcd: (etcd, run, { keys }) =>
      tamperWith(etcd, {
        transaction: (asked) =>
          asked.compare.some(({ key }) => key === keys.ask("promote", run.node))
            ? { ...asked, success: [] }
            : asked,
      }),
  },
  circumstances: (usual) => allRanked(withMany("orderPromotion", "stopNode")(usual)),
};

function allRanked(usual: Scenario): Scenario {
  return { ...usual, backends: usual.backends.map((backend) => ({ ...backend, ranks: true })) };
}

/** The same request with other contents. */
function change(
  kv: KeyValue,
  keys: Parameters<typeof parseKey>[0],
  contents: object,
  kind: string,
): KeyValue {
  const parsed = parseKey(keys, kv.key);
  if (parsed.kind !== "ask" || parsed.ask !== kind || kv.value === "") return kv;
  return { ...kv, value: JSON.stringify({ ...JSON.parse(kv.value), ...contents }) };
}
