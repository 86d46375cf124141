import type { Ask } from "@msdha/group";
import type { Node } from "./node.ts";

/** Returns an operator's request to begin with new data that an earlier run of this node was asked. */
export function findReinit({ files, membership: { reinit } }: Node): Ask | undefined {
  // One for this very run is still to be accepted, and ends it first.
  return reinit?.run === files.runId ? undefined : reinit;
}

/** Takes the request away, once `pre_start` has done what it asks. One that can't be taken away is carried out again. */
export async function concludeReinit({ end, etcd, follower, lease, log }: Node, ask: Ask): Promise<void> {
  const key = follower.view.keys.ask(ask.kind, ask.node);
  try {
    await etcd.txn(
      {
        compare: [{ key, target: "mod", is: "=", value: ask.revision }],
        success: [{ type: "delete", key }],
        failure: [],
      },
      { timeoutMs: lease.ttlMs, signal: end.begun },
    );
    log.info({ by: ask.by }, "began with new data, as an operator asked");
  } catch (error) {
    log.error(
      { err: error },
      "could not take away the request to begin with new data: the next run does it again",
    );
  }
}
