import type { KeyValue } from "@msdha/etcd-client";
import type { GroupKeys } from "@msdha/group";
import { forWhom, noteMark, noteMaster, noteNode, runOf } from "./apply-change.ts";
import type { Facts, LockFacts, RunFacts } from "./facts.ts";

/** etcd holds this state of some time ago again. */
export function applyRestore(
  facts: Facts,
  keys: GroupKeys,
  {
    revision,
    kvs,
    now,
  }: { readonly revision: number; readonly kvs: readonly KeyValue[]; readonly now: number },
): void {
  const find = (key: string): KeyValue | undefined => kvs.find((kv) => kv.key === key);
  const lock = find(keys.lock);
  const handover = find(keys.handover);
  const run = lock && runOf(facts, lock.lease);
  facts.restores += 1;
  const { restores } = facts;
  const same = run?.lock && run.lock.token === lock?.createRevision ? { ...run.lock, restores } : undefined;
  if (run && same) run.lock = same;
  facts.group = {
    lock: lock && (same ?? unknownLock(lock, run, { restores, now })),
    handover: handover && {
      isTrue: stillThere(facts, handover),
      revision: handover.createRevision,
      for: forWhom(handover),
    },
    ttlSeconds: Number(find(keys.ttl)?.value ?? 0),
    // Who held it until now is not forgotten with what etcd forgets.
    nodes: new Map(),
    held: new Set(),
    limits: new Map(),
    asks: new Map(),
    terms: new Map(),
    freeSince: facts.group.lock ? now : facts.group.freeSince,
  };
  facts.history.restore(revision, kvs);
  for (const kv of kvs) noteNode(facts, keys, kv, { put: true, now });
  facts.copyWrote.clear();
  for (const kv of kvs) noteMark(facts, keys, kv, true);
  const former = facts.masters.at(-1)?.master;
  if (former !== undefined) facts.ceased.set(former, now);
  facts.masters = [];
  noteMaster(facts, 0, now);
  // What they were told so far is of another history.
  for (const frontend of facts.frontends) frontend.known = undefined;
  for (const each of facts.runs) {
    each.newest = Math.min(each.newest, revision);
    each.followed = Math.min(each.followed, revision);
    each.readTo = Math.min(each.readTo, revision);
  }
}

/**
 * Whether a restored snapshot misleads those who know of nothing newer, which is not promised to end well: by a
 * hand-over that had been used, or by a record that is shorter than the TTL of a former master who is still alive.
 */
export function misleads({ group, restores, runs }: Facts): boolean {
  if (group.handover?.isTrue === false) return true;
  if (restores === 0) return false;
  return [...runs].some(
    ({ published, programs, ttlMs }) => published && programs.size > 0 && ttlMs > 1_000 * group.ttlSeconds,
  );
}

/** Whether nobody has used this hand-over until now. */
function stillThere({ group: { handover } }: Facts, { createRevision }: KeyValue): boolean {
  return handover?.isTrue === true && handover.revision === createRevision;
}

function unknownLock(
  { createRevision: token, lease, value }: KeyValue,
  run: RunFacts | undefined,
  { restores, now }: { readonly restores: number; readonly now: number },
): LockFacts {
  const node = String((JSON.parse(value) as { node?: unknown }).node);
  return {
    token,
    restores,
    lease,
    run,
    node,
    waitMs: 0,
    takenAt: now,
    chosen: false,
    freeSince: now,
    receivedAt: undefined,
    decisions: 0,
    published: false,
  };
}
