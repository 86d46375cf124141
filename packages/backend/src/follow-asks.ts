import type { Compare, EtcdApi, Transaction } from "@msdha/etcd-client";
import { type Ask, sweepAsks, writeAsk } from "@msdha/group";
import { judgeAsks } from "./judge-asks.ts";
import type { Node } from "./node.ts";
import { heldLock } from "./role.ts";

const CALL_MS = 5_000;
const AGAIN_MS = 1_000;

/**
 * Follows what operators ask of this node, and carries it out: a request can end the node in peace, nothing else. Takes
 * away pauses and holds whose time is over. Returns at once; the node's end ends it.
 */
export function followAsks(node: Node): void {
  const { end, etcd, follower, log, wallNow } = node;
  void followEach(node).catch((error: unknown) => {
    if (!end.begun.aborted) log.error({ err: error }, "requests of operators are not followed any more");
  });
  void sweepAsks(etcd, follower, {
    wallClock: wallNow,
    signal: end.begun,
    onSwept: ({ kind, node: held }) =>
      log.info({ kind, held }, "an operator's request is over: took it away"),
  }).catch(() => {});
}

async function followEach(node: Node): Promise<void> {
  const { end, files, follower, log, membership } = node;
  for (;;) {
    const { view } = follower;
    const lock = heldLock(node.role);
    const verdict = judgeAsks(view, {
      name: membership.name,
      run: files.runId,
      token: lock?.token,
      isMaster: node.role.kind === "master",
    });
    if (verdict) {
      const { ask, why } = verdict;
      const done = ask.accepted || (await (verdict.kind === "end" ? accept(node, ask) : takeAway(node, ask)));
      if (done && verdict.kind === "end") {
        end.because({ kind: "planned", why: `asked to stop: ${why}`, ask });
        return;
      }
      if (done) log.warn({ by: ask.by, kind: ask.kind }, `refused a request: ${why}`);
    }
    await follower.changed({
      since: view,
      timeoutMs: verdict ? AGAIN_MS : Number.POSITIVE_INFINITY,
      signal: end.begun,
    });
  }
}

/**
 * Says that the request is being carried out, if it is still there and the node still what it was: an operator's command
 * can withdraw it until then, and knows afterwards that it happens.
 */
function accept({ etcd, follower, end, lease, role }: Node, ask: Ask): Promise<boolean> {
  const { keys } = follower.view;
  const key = keys.ask(ask.kind, ask.node);
  const lock = heldLock(role);
  const holds: readonly Compare[] = lock
    ? [
        { key: keys.lock, target: "create", is: "=", value: lock.token },
        { key: keys.lock, target: "lease", is: "=", value: lease.id },
      ]
    : [];
  const value = writeAsk({ ...ask, accepted: true });
  return succeeds(
    etcd,
    {
      compare: [{ key, target: "mod", is: "=", value: ask.revision }, ...holds],
      success: [
        ask.lease === "0" ? { type: "put", key, value } : { type: "put", key, value, lease: ask.lease },
      ],
      failure: [],
    },
    end.begun,
  );
}

/** The operator's command sees that it is gone, with the node as it was. What can't be taken away ends with its lease. */
function takeAway({ end, etcd, follower }: Node, { kind, node, revision }: Ask): Promise<boolean> {
  const key = follower.view.keys.ask(kind, node);
  const compare = [{ key, target: "mod", is: "=", value: revision } as const];
  return succeeds(etcd, { compare, success: [{ type: "delete", key }], failure: [] }, end.begun);
}

/** False also when etcd does not answer: whether it was carried out then shows in the next view. */
async function succeeds(etcd: EtcdApi, transaction: Transaction, signal: AbortSignal): Promise<boolean> {
  try {
    return (await etcd.txn(transaction, { timeoutMs: CALL_MS, signal })).succeeded;
  } catch {
    signal.throwIfAborted();
    return false;
  }
}
