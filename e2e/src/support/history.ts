import type { EtcdMember } from "@msdha/testkit";
import { Etcd3 } from "etcd3";
import type { Journal } from "./journal.ts";

/** Every change of a node key that etcd has seen since its first revision, as `node_state_change` tells it. */
export async function readHistory(etcd: EtcdMember, group: string): Promise<readonly string[]> {
  const client = new Etcd3({ hosts: etcd.endpoint });
  const prefix = `/msdha/${group}/`;
  const changes: string[] = [];
  const marker = `${prefix}_claim/end-of-history`;
  try {
    const watcher = await client.watch().prefix(prefix).startRevision("1").create();
    const reached = new Promise<void>((resolve, reject) => {
      watcher.on("error", reject);
      watcher.on("data", ({ events }) => {
        for (const { type, kv } of events) {
          const key = kv.key.toString();
          if (key === marker) {
            resolve();
            continue;
          }
          const node = key.slice(prefix.length);
          if (!node.startsWith("_")) {
            changes.push(type === "Put" ? `PUT ${node} ${kv.value.toString()}` : `DELETE ${node} `);
          }
        }
      });
    });
    await client.put(marker).value("").exec();
    await reached;
    await watcher.cancel();
  } finally {
    client.close();
  }
  return changes;
}

/** What a node's `node_state_change` was called with, without the calls at its start. */
export function hookChanges(journal: Journal, node: string): readonly string[] {
  return journal
    .of(node, "change")
    .map(({ rest: [action, name, state = ""] }) => `${action} ${name} ${state}`)
    .filter((change) => !change.startsWith("init "));
}
