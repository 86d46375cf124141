import { observeRevisions } from "@msdha/etcd-lock";
import { ASKS, groupKeys, joinGroup, type NodeDetails } from "@msdha/group";
import type { BackendConfig } from "./config.ts";
import { yieldToCopy } from "./copied.ts";
import { acquireFencedLease } from "./fenced-lease.ts";
import { followOwnGroup } from "./follow-own-group.ts";
import { findHooks, type PresentHooks } from "./hooks.ts";
import { recordReport } from "./latest-report.ts";
import { recordLiveness } from "./liveness.ts";
import { keepMainProcess } from "./main-process.ts";
import type { BackendPorts, Node } from "./node.ts";
import type { NodeEnd } from "./node-end.ts";
import { keepRole } from "./role.ts";
import { createSuccession } from "./succession.ts";
import { watchOwnKeys } from "./watch-own-keys.ts";

/**
 * Takes a node's place in its group: from here on it has a lease, follows the group and has its key in etcd.
 * Rejects with why it could not; nothing of it is left in etcd then.
 */
export async function openNode(
  config: BackendConfig,
  ports: BackendPorts,
  { end, haste }: { readonly end: NodeEnd; readonly haste: AbortSignal },
): Promise<Node> {
  const { clock, guard, files, nonce } = ports;
  const { name, ttlSeconds } = config;
  const present = await findHooks(ports.hooks, config.hooksDir);
  const { etcd, observed } = observeRevisions(ports.etcd, { clock });
  const keys = groupKeys(config.group);
  const { lease, fence, permission } = await acquireFencedLease(etcd, guard, {
    ttlSeconds,
    keys,
    clock,
    nonce,
    end,
  });
  const group = followOwnGroup(config, { ...ports, etcd }, { observed, end });
  const { follower, changes, unfollow } = group;
  try {
    const membership = await joinGroup(etcd, keys, {
      name,
      lease,
      details: detailsOf(config, present, files.runId),
      formerRunId: files.formerRunId,
      clock,
      wallClock: ports.wallNow,
      signal: end.begun,
    });
    group.joined(membership);
    const node = createNode({
      ...ports,
      etcd,
      config,
      present,
      observed,
      lease,
      fence,
      permission,
      follower,
      changes,
      membership,
      end,
      haste,
      unfollow,
    });
    watchOwnKeys(node);
    yieldToCopy(node);
    return node;
  } catch (error) {
    unfollow();
    changes.close();
    await lease.release();
    throw error;
  }
}

type NodeParts = Omit<
  Node,
  "role" | "become" | "succession" | "mainProcess" | "main" | "liveness" | "latestReport" | "close"
>;

/** Returns a node that has joined its group, at the beginning of its life. */
function createNode(parts: NodeParts): Node {
  const { config, lease, guard, fence, log, unfollow } = parts;
  const keeper = keepRole(lease, { keys: groupKeys(config.group), name: config.name });
  const mainProcess = keepMainProcess();
  const succession = createSuccession({
    guard,
    fence,
    log,
    isCleaningUp: () => keeper.role.kind === "leaving" && keeper.role.step === "programs",
  });
  return {
    ...parts,
    get role() {
      return keeper.role;
    },
    become: keeper.become,
    succession,
    mainProcess,
    get main() {
      return mainProcess.started;
    },
    liveness: recordLiveness(),
    latestReport: recordReport(),
    async close() {
      unfollow();
      await lease.release();
    },
  };
}

function detailsOf(config: BackendConfig, { candidate }: PresentHooks, runId: string): NodeDetails {
  const { address, ttlSeconds, candidateTimeoutMs, traffic } = config;
  const details = { runId, address, ttlSeconds, held: traffic === "after_hook", asks: ASKS };
  return candidate ? { ...details, candidateTimeoutMs } : details;
}
