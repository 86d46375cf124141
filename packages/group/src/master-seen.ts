import type { WatchBatch } from "@msdha/etcd-watch";
import { type GroupView, mastership } from "./view.ts";

/**
 * When the group was last seen to have a master, by the clock: its last proof, or that it began to stop. Undefined where
 * that was not seen, as the watch was broken or there was none. It is late by the watch, and for people only.
 */
export type MasterSeen = number | undefined;

/** Returns it after one more batch, which was received at `now` and led from one view to the next. */
export function followMaster(
  seen: MasterSeen,
  {
    before,
    after,
    batch,
  }: { readonly before: GroupView; readonly after: GroupView; readonly batch: WatchBatch },
  now: number,
): MasterSeen {
  const is = mastership(after);
  if (is.kind === "master") {
    const was = mastership(before);
    const isNew = was.kind !== "master" || was.token !== is.token || batch.type === "snapshot";
    return isNew || provesAlive(after, batch) ? now : seen;
  }
  if (mastership(before).kind !== "master") return seen;
  if (batch.type === "snapshot" || batch.resumed || batch.resync) return undefined;
  // Its own stop deletes its key first, and keeps the lock. All at once means that the lease has ended.
  return is.kind === "stopping" && is.token === before.lock?.token ? now : seen;
}

function provesAlive({ keys, lock }: GroupView, batch: WatchBatch): boolean {
  if (!lock || batch.type === "snapshot") return false;
  const proof = keys.proof(lock.lease);
  return batch.events.some(({ kv }) => kv.key === proof);
}
