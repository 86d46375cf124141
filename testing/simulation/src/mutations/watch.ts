import type { KeyValue, WatchEvent } from "@msdha/etcd-client";
import { parseKey } from "@msdha/group";
import type { Mutation } from "./mutation.ts";

export const resumeFromNow: Mutation = {
  rule: "a broken watch goes on from now, not from what was told",
  noticedBy: "historyIsTold",
  collaborators: {
    etcd: (etcd) => ({
      ...etcd,
      watch: ({ key, prefix = false }, options) => etcd.watch({ key, prefix }, options),
    }),
  },
};

/** Makes a lock of every node key that says master, and hides the real one. */
export const masterByNodeKeysAlone: Mutation = {
  rule: "who is master, for readers: a node key that says so is enough",
  noticedBy: "frontendsFollow",
  collaborators: {
    frontendEtcd: (etcd, { keys }) => {
      const lockOf = (kv: KeyValue): KeyValue | undefined => {
        const parsed = parseKey(keys, kv.key);
        if (parsed.kind !== "node" || kv.value !== "master") return undefined;
        const value = JSON.stringify({ node: parsed.name, takenAfter: "wait" });
        return { ...kv, key: keys.lock, value, createRevision: kv.modRevision };
      };
      const seen = (kv: KeyValue): readonly KeyValue[] => {
        if (kv.key === keys.lock) return [];
        const lock = lockOf(kv);
        return lock ? [kv, lock] : [kv];
      };
      const seenEvents = ({ type, kv }: WatchEvent): readonly WatchEvent[] =>
        type === "PUT"
          ? seen(kv).map((each) => ({ type, kv: each }))
          : kv.key === keys.lock
            ? []
            : [{ type, kv }];
      return {
        ...etcd,
        async range(range, options) {
          const answer = await etcd.range(range, options);
          return { ...answer, kvs: answer.kvs.flatMap(seen) };
        },
        watch(request, options) {
          const stream = etcd.watch(request, options);
          return {
            requestProgress: () => stream.requestProgress(),
            async *[Symbol.asyncIterator]() {
              for await (const message of stream)
                yield { ...message, events: message.events.flatMap(seenEvents) };
            },
          };
        },
      };
    },
  },
};
