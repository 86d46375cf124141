import { describeError } from "@msdha/app";
import type { Clock } from "@msdha/clock";
import type { EtcdApi } from "@msdha/etcd-client";
import { acquireLease, type Lease, type Nonce } from "@msdha/etcd-lease";
import {
  followGroup,
  type GroupFollower,
  groupKeys,
  type HeardRevisions,
  hearRevisions,
  joinGroup,
  type MasterLock,
  type Membership,
  mastership,
} from "@msdha/group";
import type { Guard } from "@msdha/guard";
import type { HookRunner } from "@msdha/hook-runner";
import type { Log } from "@msdha/log";
import type { BackendConfig } from "./config.ts";
import { keepCurrentMaster } from "./current-master.ts";
import { type Ending, endingOf, NodeEnded } from "./ending.ts";
import { createFence, type Fence } from "./fence.ts";
import { hookEnvironment } from "./hook-context.ts";
import { createKillPermission, type KillPermission } from "./kill-permission.ts";
import type { Leaving } from "./leaving.ts";
import type { Liveness } from "./liveness.ts";
import type { MainProcess } from "./main-process.ts";
import { createNodeStateChanges, type NodeStateChanges } from "./node-state-changes.ts";
import { checkSuccessor, type OvertakenError } from "./overtaken.ts";
import { checkOwnKeys, checkRestoredKeys, checkUndoneKeys } from "./own-keys.ts";
import type { RunFiles } from "./run-files.ts";

/** The world outside, as a node needs it. */
export interface BackendPorts {
  readonly etcd: EtcdApi;
  readonly clock: Clock;
  readonly guard: Guard;
  readonly hooks: HookRunner;
  readonly files: RunFiles;
  readonly log: Log;
  /** Whether a process may keep a signal from the program that it started. */
  readonly mayKeepSignal: (pid: number, signal: NodeJS.Signals) => boolean;
  /** Makes what this node writes to prove its lock different from what any other writes. */
  readonly nonce: Nonce;
  /** What the main process and every hook find in their environment. */
  readonly baseEnvironment: Readonly<Record<string, string>>;
}

/** A node that has joined its group, and what it holds. */
export interface Node extends BackendPorts {
  readonly config: BackendConfig;
  /** What all answers of etcd say of its revisions. */
  readonly heard: HeardRevisions;
  readonly lease: Lease;
  readonly follower: GroupFollower;
  readonly membership: Membership;
  readonly fence: Fence;
  readonly permission: KillPermission;
  readonly changes: NodeStateChanges;
  readonly hasCandidateHook: boolean;
  /** Whether there is a `stopped` hook. */
  readonly cleans: boolean;
  /** Aborts with a `NodeEnded` as soon as there is a reason for the node to end: the first one is the one that counts. */
  readonly ended: AbortSignal;
  end(ending: Ending): void;
  /** Aborts when another node holds the lock that this one had its turn with: there is no grace any more. */
  readonly overtaken: AbortSignal;
  /** Aborts when that node is the master: nothing may be started any more either. */
  readonly succeeded: AbortSignal;
  overtake(error: OvertakenError, what: { readonly published: boolean }): void;
  /** Aborts when someone at the terminal does not want to wait for a stop. */
  readonly haste: AbortSignal;
  /** Follows the group no more. */
  unfollow(): void;
  /** Does that, and lets go of what is held in etcd: the lease and every key on it. */
  close(): Promise<void>;
  main: MainProcess | undefined;
  /** What the `alive` hook says; undefined before its first run, and where there is none. */
  liveness: Liveness | undefined;
  /** The lock, once it is held, and whether the wait for the former master is over. */
  lock: MasterLock | undefined;
  waited: boolean;
  /** The revision that let traffic that was held back go on. */
  trafficOpenSince: number | undefined;
  leaving: Leaving;
}

/**
 * Takes a node's place in its group: from here on it has a lease, follows the group and has its key in etcd.
 * Rejects with why it could not; nothing of it is left in etcd then.
 */
export async function openNode(
  config: BackendConfig,
  ports: BackendPorts,
  { stop, haste }: { readonly stop: AbortSignal; readonly haste: AbortSignal },
): Promise<Node> {
  const { clock, guard, files, hooks, log } = ports;
  let node: Node | undefined;
  const { etcd, heard } = hearRevisions(ports.etcd, {
    clock,
    onRestored: (revision) => {
      if (node) checkUndoneKeys(node, revision);
    },
  });
  const ending = new AbortController();
  const end = (reason: Ending): void => {
    if (!ending.signal.aborted) ending.abort(new NodeEnded(reason));
  };
  onAbort(stop, () => end({ kind: "planned", why: describeError(stop.reason) }));
  onAbort(guard.lost, () => end(endingOf(guard.lost.reason)));

  const overtaken = new AbortController();
  const succeeded = new AbortController();

  const hasCandidateHook = (await hooks.find("candidate")) !== undefined;
  const cleans = (await hooks.find("stopped")) !== undefined;
  // The lease is held to the very end of a stop: the ending ends only its acquisition.
  let acquired = false;
  let fence: Fence | undefined;
  const permission = createKillPermission(guard, { onDenied: (error) => end({ kind: "failed", error }) });
  const acquisition = new AbortController();
  onAbort(ending.signal, () => {
    if (!acquired) acquisition.abort(ending.signal.reason);
  });
  const lease = await acquireLease(etcd, {
    ttlSeconds: config.ttlSeconds,
    clock,
    signal: acquisition.signal,
    probeKey: groupKeys(config.group).lock,
    nonce: ports.nonce,
    onProof(seen) {
      fence?.proven(seen);
      permission.check();
    },
  });
  acquired = true;
  const nodeFence = createFence(guard, { ttlMs: lease.ttlMs, seen: lease.seen });
  fence = nodeFence;
  onAbort(lease.lost, () => {
    nodeFence.close(clock.now());
    end(endingOf(lease.lost.reason));
  });
  const following = new AbortController();
  const unfollow = (): void => following.abort(new NodeEnded({ kind: "planned", why: "the node has ended" }));
  const changes = createNodeStateChanges(config, hooks, {
    clock,
    log,
    environment: () =>
      hookEnvironment(ports.baseEnvironment, {
        hook: "node_state_change",
        state: node?.membership.state ?? "pre_start",
        view: follower.view,
      }),
    onFailure: (error) => end({ kind: "failed", error }),
  });
  const tellFiles = keepCurrentMaster(files, () => mastership(follower.view), {
    ...{ clock, log, signal: following.signal },
  });
  const follower = followGroup(etcd, config.group, {
    clock,
    signal: following.signal,
    onView: (view, nodeChanges, { restored }) => {
      heard.told(view.revision);
      tellFiles();
      for (const change of nodeChanges) changes.push(change);
      if (node && restored) checkRestoredKeys(node, view);
      else if (node) checkOwnKeys(node, view);
      if (node) checkSuccessor(node, view);
    },
    onHealth: (up, why) => {
      if (up) log.info("following the group");
      else log.warn({ err: why }, "can't follow the group; trying again");
    },
  });
  follower.ended.catch((error: unknown) => {
    if (!following.signal.aborted) end(endingOf(error));
  });
  try {
    const membership = await joinGroup(etcd, follower.view.keys, {
      name: config.name,
      lease,
      details: {
        runId: files.runId,
        address: config.address,
        ttlSeconds: config.ttlSeconds,
        ...(hasCandidateHook && { candidateTimeoutMs: config.candidateTimeoutMs }),
        held: config.traffic === "after_hook",
      },
      formerRunId: files.formerRunId,
      clock,
      signal: ending.signal,
    });
    lease.prove({ key: follower.view.keys.node(config.name) });
    node = {
      ...{ ...ports, etcd, heard },
      config,
      lease,
      follower,
      membership,
      fence: nodeFence,
      permission,
      changes,
      hasCandidateHook,
      cleans,
      ended: ending.signal,
      end,
      overtaken: overtaken.signal,
      succeeded: succeeded.signal,
      overtake(error, { published }) {
        if (!overtaken.signal.aborted) {
          log.error({ err: error }, "this node is late: everything of it is killed at once");
          overtaken.abort(error);
          // Not the stopped hook, which may go on until the kill time or the other's publication.
          if (node?.leaving !== "gone") guard.killAll().catch(() => {});
        }
        if (!published || succeeded.signal.aborted) return;
        succeeded.abort(error);
        nodeFence.expire();
      },
      haste,
      unfollow,
      close: async () => {
        unfollow();
        await lease.release();
      },
      main: undefined,
      liveness: undefined,
      lock: undefined,
      waited: false,
      trafficOpenSince: undefined,
      leaving: "nothing",
    };
    return node;
  } catch (error) {
    following.abort(error);
    changes.close();
    await lease.release();
    throw error;
  }
}

function onAbort(signal: AbortSignal, act: () => void): void {
  if (signal.aborted) act();
  else signal.addEventListener("abort", act, { once: true });
}
