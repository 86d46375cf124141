import { anyIsWilling, askName, openElection, readyNodes, untilAnswered } from "@msdha/group";
import { endingOf } from "./ending.ts";
import type { Node } from "./node.ts";
import { heldLock } from "./role.ts";

/** How soon nodes that were not willing are asked again. */
const ASK_AGAIN_MS = 5_000;

/**
 * Ends a master whose time (MSDHA_MASTER_TTL) is over, as in a planned stop, as soon as another node is ready and
 * willing. Until then it stays the master. Returns at once; the node's end ends it.
 */
export function endAfterTerm(node: Node): void {
  void handOverAfterTerm(node).catch((error: unknown) => {
    if (!node.end.begun.aborted) node.end.because(endingOf(error));
  });
}

async function handOverAfterTerm(node: Node): Promise<void> {
  const { clock, config, end, log } = node;
  await clock.sleep(config.masterTtlMs, { signal: end.begun });
  for (let said = false; !(await hasSuccessor(node)); said = true) {
    if (!said) {
      log.warn(
        "the node has been the master for as long as it may (MSDHA_MASTER_TTL), but no other node is ready and willing, or the group is paused: it stays the master until one is",
      );
    }
    await untilOthersChange(node);
  }
  end.because({
    kind: "planned",
    why: "the node has been the master for as long as it may (MSDHA_MASTER_TTL), and another is ready",
  });
}

/** Asks the ready nodes, as in an election. */
async function hasSuccessor(node: Node): Promise<boolean> {
  const { etcd, follower, membership, clock, config, end, role } = node;
  const lock = heldLock(role);
  const { name } = membership;
  if (follower.view.asks.has(askName("pause"))) return false;
  if (listReady(node).length === 0 || !lock) return false;
  if (anyIsWilling(follower.view, name, undefined)) return true;
  const options = { membership, clock, signal: end.begun, ttlSeconds: config.ttlSeconds };
  const round = await openElection(etcd, follower, lock, options);
  await untilAnswered(follower, round, clock.now(), {
    ...options,
    isEnough: (view) => anyIsWilling(view, name, round),
  });
  return anyIsWilling(follower.view, name, round);
}

/** Resolves when other nodes are ready than now, or when it is time to ask again. */
async function untilOthersChange(node: Node): Promise<void> {
  const { clock, follower, end } = node;
  const before = listReady(node).join("/");
  const until = clock.now() + ASK_AGAIN_MS;
  for (;;) {
    const { view } = follower;
    const leftMs = until - clock.now();
    if (leftMs <= 0 || listReady(node).join("/") !== before) return;
    await follower.changed({ since: view, timeoutMs: leftMs, signal: end.begun });
  }
}

function listReady({ follower, membership }: Node): readonly string[] {
  return readyNodes(follower.view)
    .map(([name]) => name)
    .filter((name) => name !== membership.name);
}
