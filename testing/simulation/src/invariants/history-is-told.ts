import type { Invariant } from "../facts/moment.ts";

/** `node_state_change` of every node is called for exactly what etcd's history has, in its order. */
export const historyIsTold: Invariant = (moment) => {
  if (moment.kind !== "start" || moment.program !== "node_state_change") return undefined;
  const [action = "", node = "", state = ""] = moment.args;
  if (moment.run.told.take({ action, node, state })) return undefined;
  return `${moment.run.id} was told ${[action, node, state].join(" ")}, which is not what comes next in etcd's history`;
};
