import type { CallOptions, EtcdApi } from "@msdha/etcd-client";
import { rangeAnswer } from "@msdha/etcd-client";
import { applyBatch } from "./apply-batch.ts";
import { createGroupView, type GroupView } from "./view.ts";

/**
 * Reads what decides who is master, linearizably and at one revision: the lock, the group's longest TTL, and the key of
 * `node`. Resolves with a view that has these and nothing else; `mastership` of it is right unless the lock names another
 * node than `node`. Rejects as any call of etcd does.
 */
export async function readMaster(
  etcd: Pick<EtcdApi, "txn">,
  group: string,
  { node, ...options }: CallOptions & { readonly node: string | undefined },
): Promise<GroupView> {
  const view = createGroupView(group);
  const { lock, ttl } = view.keys;
  const wanted = node === undefined ? [lock, ttl] : [lock, ttl, view.keys.node(node)];
  // Nothing is compared: both branches read, so that the answer needs a quorum in any case.
  const read = wanted.map((key) => ({ type: "range" as const, key }));
  const answer = await etcd.txn({ compare: [], success: read, failure: read }, options);
  const kvs = wanted.flatMap((_, index) => rangeAnswer(answer, index));
  return applyBatch(view, { type: "snapshot", revision: answer.revision, kvs });
}
