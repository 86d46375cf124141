import { ASKS, askName, type GroupView, mastership, newestToken } from "@msdha/group";
import { refuse } from "../command-error.ts";
import { plain } from "../render/plain.ts";
import { refuseOldNodes } from "./refuse-old-nodes.ts";
import { refuseUnknown } from "./refuse-unknown.ts";

/** Throws if a node can't be ordered to become the master now. */
export function refusePromotion(view: GroupView, name: string): void {
  const node = view.nodes.get(name);
  if (view.nodes.size > 0 && !node) throw refuseUnknown(view, name);
  refuseOldNodes(view, { names: [name], asks: ASKS });
  refuseWithMaster(view);
  if (view.asks.has(askName("pause")))
    throw refuse("the group is paused: no node would take the lock; msdha resume first");
  if (view.asks.has(askName("hold", name)))
    throw refuse(`${plain(name)} is held back; msdha release ${plain(name)} first`);
  if (node?.state !== "ready")
    throw refuse(`${plain(name)} is not ready: its state is ${plain(node?.state ?? "none")}`);
  const other = [...view.asks.values()].find(({ kind }) => kind === "promote");
  if (other) throw refuse(`${plain(other.node ?? "")} is ordered to become the master already`);
  if (view.details.get(name)?.candidateTimeoutMs === undefined) {
    throw refuse(`${plain(name)} has no candidate hook: it will take over by itself after the wait`);
  }
}

/** An order is for a group that its last master has left. */
function refuseWithMaster(view: GroupView): void {
  const master = mastership(view);
  if (master.kind === "master")
    throw refuse(`${plain(master.name)} is the master: msdha switchover moves it, and loses nothing`);
  if (view.lock && view.lock.token === newestToken(view.terms)) {
    throw refuse(
      `${plain(view.lock.node ?? "the last master")} was the master, and still has its lock: try again when msdha list shows that it is gone`,
    );
  }
}
