import {
  type Ask,
  askName,
  type GroupView,
  isHeldBack,
  listNext,
  mastership,
  readyNodes,
} from "@msdha/group";
import { type CommandError, refuse } from "../command-error.ts";
import { plain } from "../render/plain.ts";
import { whyNoMaster } from "../render/why-no-master.ts";
import { describeView } from "./describe-view.ts";
import { refuseUnknown } from "./refuse-unknown.ts";

/** The master, its address for clients, and its lock's token. */
export interface PresentMaster {
  readonly name: string;
  readonly address: string;
  readonly token: number;
}

/** Returns the master. Throws if there is none. */
export function findMaster(view: GroupView): PresentMaster {
  const master = mastership(view);
  if (master.kind === "master") return { name: master.name, address: master.address, token: master.token };
  throw refuseWithoutMaster(view);
}

/** The error of what needs a master: why there is none, and what to do. */
export function refuseWithoutMaster(view: GroupView): CommandError {
  const reason = whyNoMaster(describeView(view), Date.now());
  return refuse(`the group has no master now: ${reason?.what}; ${reason?.todo}`);
}

/** Throws if the group can't move its master now, to this node or to any. */
export function refuseMove(
  view: GroupView,
  { name, token }: Pick<PresentMaster, "name" | "token">,
  to: string | undefined,
): void {
  const pause = view.asks.get(askName("pause"));
  if (pause) throw refuse("the group is paused: no node would take the lock; msdha resume first");
  const present = view.asks.get(askName("switchover"));
  if (present?.token === token) throw refuse(`a switchover is under way${describe(present)}`);
  if (to !== undefined) refuseTarget(view, name, to);
  else if (listNext(view, name).length === 0) throw refuse(describeNobody(view, name));
}

function refuseTarget(view: GroupView, master: string, to: string): void {
  const node = view.nodes.get(to);
  if (!node) throw refuseUnknown(view, to);
  if (to === master) throw refuse(`${plain(to)} is the master already`);
  if (node.state !== "ready") throw refuse(`${plain(to)} is not ready: its state is ${plain(node.state)}`);
  if (isHeldBack(view, to)) throw refuse(`${plain(to)} is held back; msdha release ${plain(to)} first`);
}

/** Why no node may take the lock from the master. */
function describeNobody(view: GroupView, master: string): string {
  const held = readyNodes(view)
    .map(([name]) => name)
    .filter((name) => name !== master && isHeldBack(view, name));
  const [first] = held.map((name) => plain(name)).sort();
  if (first === undefined) return "no other node is ready to be the master";
  return `no other node may take over: ${first} is held back; msdha release ${first} first`;
}

function describe({ by, to }: Ask): string {
  return `${to === undefined ? "" : ` to ${plain(to)}`}${by === "" ? "" : `, asked by ${plain(by)}`}`;
}
