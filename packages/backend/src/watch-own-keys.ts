import type { Node } from "./node.ts";
import { findSuccessor, yieldTo } from "./overtaken.ts";
import { findLoss, findRestoredLoss, findUndoneLoss } from "./own-keys.ts";

/** Ends a node that lost a key, or has a successor, by whatever etcd shows from now on. */
export function watchOwnKeys(node: Node): void {
  const { follower, observed, end } = node;

  function endAt(error: Error | undefined): void {
    if (error) end.because({ kind: "lost", error });
  }

  follower.listen((view, _, { restored }) => {
    endAt(restored ? findRestoredLoss(node, view) : findLoss(node, view));
    const successor = findSuccessor(node, view);
    if (successor) yieldTo(node, successor);
  });
  observed.listen((restoredTo) => endAt(findUndoneLoss(node, follower.view.keys, restoredTo)));
}
