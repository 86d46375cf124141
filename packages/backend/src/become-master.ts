import { awaitTurn, campaign, publishMaster } from "@msdha/group";
import type { Node } from "./node.ts";
import { runStateHook } from "./state-hook.ts";

/**
 * Competes for the lock, waits until no former master can be alive, publishes `master` and runs its hook. Every step
 * ends at once when the node does. The order of the steps is the safety argument of docs/protocol.md.
 */
export async function becomeMaster(node: Node): Promise<void> {
  const { etcd, clock, follower, membership, lease, fence, files, config, ended, log } = node;
  const options = { membership, ttlSeconds: config.ttlSeconds, clock, signal: ended };

  const lock = await campaign(etcd, follower, options);
  node.lock = lock;
  lease.prove({ key: follower.view.keys.lock, createRevision: lock.token });
  log.info({ token: lock.token, via: lock.via, waitMs: lock.waitMs }, "took the master lock");

  await awaitTurn(follower, lock, { clock, signal: ended });
  node.waited = true;
  await fence.arm();
  await publishMaster(etcd, follower.view.keys, lock, options);
  log.info({ token: lock.token }, "is the master");
  endWhenMasterTtlIsOver(node);

  await files.setMaster(true);
  lease.throwIfLost();
  ended.throwIfAborted();
  await runStateHook(node, "master");
}

function endWhenMasterTtlIsOver({ clock, config, ended, end }: Node): void {
  clock.sleep(config.masterTtlMs, { signal: ended }).then(
    () =>
      end({ kind: "planned", why: "the node has been the master for as long as it may (MSDHA_MASTER_TTL)" }),
    () => {},
  );
}
