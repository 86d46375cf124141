import type { EtcdApi } from "@msdha/etcd-client";
import type { GroupKeys } from "@msdha/group";

/**
 * The same etcd, in which a node that follows its group never sees the record of the longest TTL: the oldest knowledge
 * that there can be. A transaction that compares the record still learns of it.
 */
export function withUnseenRecord(etcd: EtcdApi, keys: GroupKeys): EtcdApi {
  return {
    ...etcd,
    async range(range, options) {
      const answer = await etcd.range(range, options);
      return { ...answer, kvs: answer.kvs.filter(({ key }) => key !== keys.ttl) };
    },
    watch(request, options) {
      const stream = etcd.watch(request, options);
      return {
        requestProgress: () => stream.requestProgress(),
        async *[Symbol.asyncIterator]() {
          for await (const message of stream)
            yield { ...message, events: message.events.filter(({ kv }) => kv.key !== keys.ttl) };
        },
      };
    },
  };
}
