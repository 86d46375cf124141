import { describeError, hasCode } from "@msdha/app";
import { describeEnding, type Ending, endingOf } from "./ending.ts";

/** The end of a node: why it ends, and whether it may still be sure of what it has. */
export interface NodeEnd {
  /** Aborts as soon as there is a reason to end. */
  readonly begun: AbortSignal;
  /** The first reason, which is the one that counts; undefined while there is none. */
  readonly ending: Ending | undefined;
  /** Aborts when lease, lock, node key or guard are lost, or may be: also when the end has begun for another reason. */
  readonly loss: AbortSignal;
  /** Ends the node. */
  because(ending: Ending): void;
}

/** What waits is rejected with this when a node ends. The reason itself is in `NodeEnd`. */
class NodeEndedError extends Error {
  override readonly name = "NodeEndedError";
  readonly code = "ERR_NODE_ENDED";
}

/** Returns the end of a node that has not begun; an abort of `stop` begins it. */
export function createNodeEnd(stop: AbortSignal): NodeEnd {
  const begun = new AbortController();
  const loss = new AbortController();
  let first: Ending | undefined;

  function because(ending: Ending): void {
    first ??= ending;
    if (isLoss(ending)) loss.abort(ending.error);
    if (!begun.signal.aborted) begun.abort(new NodeEndedError(describeEnding(ending)));
  }

  onAbort(stop, () => because({ kind: "planned", why: describeError(stop.reason) }));
  return {
    begun: begun.signal,
    get ending() {
      return first;
    },
    loss: loss.signal,
    because,
  };
}

/** Ends the node when `signal` aborts, with its reason. */
export function endWhenAborted(end: NodeEnd, signal: AbortSignal): void {
  onAbort(signal, () => end.because(endingOf(signal.reason)));
}

/** Calls `act` when a signal aborts, at once if it has. */
export function onAbort(signal: AbortSignal, act: () => void): void {
  if (signal.aborted) act();
  else signal.addEventListener("abort", act, { once: true });
}

/** Whether the node can't rely on its lease, its keys or its guard any more. */
function isLoss(ending: Ending): ending is Extract<Ending, { readonly error: unknown }> {
  return ending.kind === "lost" || (ending.kind === "failed" && hasCode(ending.error, "ERR_GUARD_LOST"));
}
