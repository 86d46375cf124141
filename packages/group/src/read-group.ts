import type { CallOptions, EtcdApi } from "@msdha/etcd-client";
import { applyBatch } from "./apply-batch.ts";
import { createGroupView, type GroupView } from "./view.ts";

/**
 * Reads a whole group once, linearizably and at one revision. Resolves with the view of that revision, which has no keys
 * for a group that does not exist. Rejects as any call of etcd does.
 */
export async function readGroup(
  etcd: Pick<EtcdApi, "range">,
  group: string,
  options: CallOptions,
): Promise<GroupView> {
  const view = createGroupView(group);
  const { kvs, revision } = await etcd.range({ key: view.keys.prefix, prefix: true }, options);
  return applyBatch(view, { type: "snapshot", revision, kvs });
}
