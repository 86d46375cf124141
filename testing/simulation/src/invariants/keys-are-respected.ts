import type { Invariant } from "../facts/moment.ts";

/** Nobody takes a lock that is held or a node key that is another's, and nobody calls itself master without the lock. */
export const keysAreRespected: Invariant = (moment, { byHand, group }) => {
  if (moment.kind !== "change" || byHand) return undefined;
  const { before, change } = moment;
  for (const { type, kv } of change.events) {
    if (type !== "PUT") continue;
    if (kv.key.endsWith("/_lock") && before.lock) return `the lock ${before.lock.token} was overwritten`;
    if (kv.value === "master" && group.lock?.lease !== kv.lease)
      return `${kv.key} was published without the lock`;
    const name = nodeName(kv.key);
    const former = name === undefined ? undefined : before.nodes.get(name);
    if (former && former.lease !== kv.lease) return `${kv.key} was taken from its owner`;
  }
  return undefined;
};

/** The node whose key this is: `/msdha/GROUP/NODE`. */
function nodeName(key: string): string | undefined {
  const [, , , name, ...more] = key.split("/");
  return more.length > 0 || name?.startsWith("_") ? undefined : name;
}
