import { type GroupStatus, isOver, type NodeStatus } from "@msdha/group";
import type { SeenGroup } from "../requests/describe-view.ts";
import { formatRoughly } from "./duration.ts";
import { plain } from "./plain.ts";

/** Why a group has no master, and what an operator can do about it. */
export interface NoMaster {
  readonly what: string;
  readonly todo: string;
}

/** The wait of a node that took the lock without a hand-over, in TTLs. */
const SETTLE_TTLS = 2;

/**
 * Returns why a group has no master, as far as etcd shows it; undefined where it has one. Only a node's log says why its `candidate`
 * hook says no.
 */
export function whyNoMaster(
  status: GroupStatus & Partial<Pick<SeenGroup, "isElecting">>,
  now: number,
): NoMaster | undefined {
  const { master, holder, nodes, pause } = status;
  if (master.kind === "master") return undefined;
  if (holder !== undefined) return describeHolder(plain(holder), status);
  if (nodes.length === 0) return describeEmpty(status);
  if (pause && !isOver(pause, now))
    return { what: "the group is paused: no node takes the lock", todo: "msdha resume" };
  return describeReady(status) ?? describeUnready(nodes, now);
}

function describeHolder(
  holder: string,
  { master, ttlSeconds, isElecting }: Parameters<typeof whyNoMaster>[0],
): NoMaster {
  if (master.kind === "stopping") {
    const todo = "wait: when nothing of it runs any more, the next master follows";
    return { what: `${holder} has the lock, and is stopping`, todo };
  }
  if (isElecting === true) {
    const what = `${holder} has the lock, and asks the candidate hooks which node is next`;
    return { what, todo: `wait for MSDHA_CANDIDATE_TIMEOUT; then read the log of ${holder}` };
  }
  const most = ttlSeconds === undefined ? "" : `, ${SETTLE_TTLS * ttlSeconds} s at most`;
  const what = `${holder} has the lock, and waits until the old master is gone for certain`;
  return { what, todo: `wait for 2 TTLs${most}; then read the log of ${holder}` };
}

function describeEmpty({ terms: [last] }: GroupStatus): NoMaster {
  if (!last)
    return {
      what: "no node has joined this group",
      todo: "start nodes with this MSDHA_GROUP and these endpoints",
    };
  const name = plain(last.node);
  return {
    what: `no node is here, and ${name} was the last master`,
    todo: `start the nodes, ${name} among them, or read the logs of those that start and end`,
  };
}

/** Undefined where no node is ready. One that nothing holds back takes the lock after its `ready` hook, once its `candidate` hook says yes. */
function describeReady({ nodes, terms: [last] }: GroupStatus): NoMaster | undefined {
  const ready = nodes.filter(({ state }) => state === "ready");
  const [first] = ready;
  if (!first) return undefined;
  const free = ready.filter(({ hold }) => !hold);
  if (free.length === 0) {
    const what = `ready, but held back: ${listNames(ready)}`;
    return { what, todo: `msdha release ${plain(first.name)}, if it may be the master` };
  }
  const what = `no ready node takes the lock: the candidate hook says no, or the ready hook still runs (${listNames(free)})`;
  const logs = "their logs say which, and why";
  if (!last || nodes.some(({ name }) => name === last.node)) return { what, todo: logs };
  const name = plain(last.node);
  return {
    what: `${what}, and ${name}, the last master, is not here`,
    todo: `${logs}; start ${name}, or else msdha promote NODE --accept-loss`,
  };
}

function describeUnready(nodes: readonly NodeStatus[], now: number): NoMaster {
  return {
    what: `no node is ready: ${listStates(nodes, now)}`,
    todo: "their logs say what they wait for",
  };
}

/** Names nodes with their states, and since when they are in them: `two is running_not_ready for 12 s`. */
export function listStates(nodes: readonly NodeStatus[], now: number): string {
  return nodes
    .map(({ name, state, since }) => {
      const age = since === undefined ? "" : ` for ${formatRoughly(now - since)}`;
      return `${plain(name)} is ${plain(state, 30)}${age}`;
    })
    .join(", ");
}

function listNames(nodes: readonly NodeStatus[]): string {
  return nodes.map(({ name }) => plain(name)).join(", ");
}
