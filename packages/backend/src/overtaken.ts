import type { EtcdApi, KeyRange, KeyValue } from "@msdha/etcd-client";
import type { Lease } from "@msdha/etcd-lease";
import {
  type GroupFollower,
  type GroupView,
  LockLostError,
  type MasterLock,
  mastership,
  parseLock,
} from "@msdha/group";
import type { Log } from "@msdha/log";
import type { Ending } from "./ending.ts";
import type { Leaving } from "./leaving.ts";

/** Another node holds the lock that this one had. */
export class OvertakenError extends Error {
  override readonly name = "OvertakenError";
  readonly code = "ERR_OVERTAKEN";

  constructor(successor: string, token: number, { published }: { readonly published: boolean }) {
    super(
      `node ${JSON.stringify(successor)} ${published ? "is the master" : "holds the lock"} (token ${token})`,
    );
  }
}

/** The parts of a node that has, or had, the lock. */
export interface LockHolder {
  readonly lock: MasterLock | undefined;
  readonly waited: boolean;
  readonly lease: Lease;
  readonly leaving: Leaving;
  end(ending: Ending): void;
  overtake(error: OvertakenError, what: { readonly published: boolean }): void;
}

/** The same, for asking etcd. */
export interface AskingHolder extends LockHolder {
  readonly etcd: EtcdApi;
  readonly follower: GroupFollower;
  readonly log: Log;
}

/**
 * Looks in a view for a successor. A node that had its turn and sees one is late, whatever its own clock says (it may
 * have stood still with its machine): there is no grace, everything is killed at once.
 */
export function checkSuccessor(node: LockHolder, view: GroupView): void {
  const { lock, lease, waited, leaving } = node;
  if (!lock || !waited || leaving === "lock" || !view.lock || view.revision < lock.token) return;
  if (view.lock.token === lock.token && view.lock.lease === lease.id) return;
  const published = mastership(view).kind === "master";
  node.end({ kind: "lost", error: new LockLostError(lock.token) });
  node.overtake(new OvertakenError(view.lock.node ?? "unknown", view.lock.token, { published }), {
    published,
  });
}

/**
 * Asks etcd itself who holds the lock, for a node that may have lost time or its lease: the watch may be broken. What
 * is found to be lost ends the node. Etcd that does not answer tells nothing.
 */
export async function askForSuccessor(node: AskingHolder): Promise<void> {
  const { etcd, lock, lease, waited, leaving, follower } = node;
  if (!lock || !waited || leaving === "lock") return;
  const { keys } = follower.view;
  const read = (range: KeyRange): Promise<KeyValue | undefined> => readOne(etcd, range, lease.ttlMs / 3);
  try {
    const held = await read({ key: keys.lock });
    if (held?.createRevision === lock.token && held.lease === lease.id) return;
    node.end({ kind: "lost", error: new LockLostError(lock.token) });
    if (!held) return;
    const name = parseLock(held.value)?.node ?? "unknown";
    const key = await read({ key: keys.node(name) });
    const published = key?.value === "master" && key.lease === held.lease;
    node.overtake(new OvertakenError(name, held.createRevision, { published }), { published });
  } catch (error) {
    node.log.debug({ err: error }, "could not ask who holds the master lock");
  }
}

async function readOne(etcd: EtcdApi, range: KeyRange, timeoutMs: number): Promise<KeyValue | undefined> {
  const { kvs } = await etcd.range(range, { timeoutMs });
  return kvs[0];
}
