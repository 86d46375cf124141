import type { EtcdApi, KeyRange, KeyValue } from "@msdha/etcd-client";
import { LockLostError, parseLock } from "@msdha/etcd-lock";
import { type GroupView, mastership } from "@msdha/group";
import type { Node } from "./node.ts";
import { settledLock } from "./role.ts";
import type { Successor } from "./succession.ts";

/** The parts of a node that has, or had, the lock. */
export type LockHolder = Pick<Node, "role" | "lease" | "membership">;

/**
 * Looks in a view for a successor. A node that had settled and sees one is late, whatever its own clock says (it may
 * have stood still with its machine): there is no grace, everything is killed at once.
 */
export function findSuccessor(node: LockHolder, view: GroupView): Successor | undefined {
  const { role, lease } = node;
  const lock = settledLock(role);
  if (!lock || view.revision < lock.token) return undefined;
  if (!view.lock) return findFormerSuccessor(node, lock.token, view.ttl.modRevision);
  if (view.lock.token === lock.token && view.lock.lease === lease.id) return undefined;
  const published = mastership(view).kind === "master";
  return { name: view.lock.node ?? "unknown", token: view.lock.token, published };
}

/**
 * Returns a successor that has lost the lock by now. It has left the record of the TTL: that is written when a node takes the lock, and
 * when it is published as the master. A record that is newer than both of ours is another node's.
 */
function findFormerSuccessor(
  { membership }: Pick<LockHolder, "membership">,
  ownToken: number,
  recordRevision: number,
): Successor | undefined {
  if (recordRevision <= Math.max(ownToken, membership.modRevision)) return undefined;
  return { name: undefined, token: recordRevision, published: false };
}

/** Ends a node that has a successor. */
export function yieldTo({ role, end, succession }: Yielding, successor: Successor): void {
  const token = settledLock(role)?.token ?? successor.token;
  end.because({ kind: "lost", error: new LockLostError(token) });
  succession.begin(successor);
}

type Yielding = Pick<Node, "role" | "end" | "succession">;

/**
 * Asks etcd itself who holds the lock, for a node that may have lost time or its lease: the watch may be broken. What
 * is found to be lost ends the node. No answer of etcd changes nothing.
 */
export async function askForSuccessor(
  node: LockHolder & Yielding & Pick<Node, "etcd" | "follower" | "log">,
): Promise<void> {
  const { etcd, lease, role, follower } = node;
  const lock = settledLock(role);
  if (!lock) return;
  const { keys } = follower.view;
  const read = (range: KeyRange): Promise<KeyValue | undefined> => readOne(etcd, range, lease.ttlMs / 3);
  try {
    const held = await read({ key: keys.lock });
    if (held?.createRevision === lock.token && held.lease === lease.id) return;
    node.end.because({ kind: "lost", error: new LockLostError(lock.token) });
    if (!held) {
      const record = await read({ key: keys.ttl });
      const former = findFormerSuccessor(node, lock.token, record?.modRevision ?? 0);
      if (former) node.succession.begin(former);
      return;
    }
    const name = parseLock(held.value)?.node ?? "unknown";
    const key = await read({ key: keys.node(name) });
    const published = key?.value === "master" && key.lease === held.lease;
    node.succession.begin({ name, token: held.createRevision, published });
  } catch (error) {
    node.log.debug({ err: error }, "could not ask who holds the master lock");
  }
}

async function readOne(etcd: EtcdApi, range: KeyRange, timeoutMs: number): Promise<KeyValue | undefined> {
  const { kvs } = await etcd.range(range, { timeoutMs });
  return kvs[0];
}
