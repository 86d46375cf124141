import { type Ask, askName, type GroupView, listNext } from "@msdha/group";

/** What a node is to do with an operator's request. */
export type Verdict =
  | { readonly kind: "end"; readonly ask: Ask; readonly why: string }
  | { readonly kind: "refuse"; readonly ask: Ask; readonly why: string };

/** Who judges: a run of a node, and the token of its lock if it is the master, or has the lock on the way there. */
export interface AskedRun {
  readonly name: string;
  readonly run: string;
  readonly token: number | undefined;
  readonly isMaster: boolean;
}

/**
 * Returns what this run is to do with the requests in a view; undefined if there is none for it. A request names the run,
 * or the token of the lock, that it is for: one for another is nobody's business here. What was accepted is carried out.
 */
export function judgeAsks(view: GroupView, own: AskedRun): Verdict | undefined {
  const { asks } = view;
  const switchover = asks.get(askName("switchover"));
  if (switchover && own.isMaster && switchover.token === own.token)
    return judgeSwitchover(view, own, switchover);
  const restart = asks.get(askName("restart", own.name));
  if (restart?.run === own.run) return judgeRestart(view, own, restart);
  const reinit = asks.get(askName("reinit", own.name));
  if (reinit?.run === own.run) return judgeReinit(own, reinit);
  return undefined;
}

function judgeSwitchover(view: GroupView, { name }: AskedRun, ask: Ask): Verdict {
  if (view.asks.has(askName("pause"))) return refuse(ask, "the group is paused: no node would take the lock");
  const { to } = ask;
  const next = listNext(view, name);
  if (to !== undefined && !next.includes(to))
    return refuse(ask, `${JSON.stringify(to)} is not ready, or is held`);
  if (next.length === 0) return refuse(ask, "no other node is ready");
  return { kind: "end", ask, why: `switchover${to === undefined ? "" : ` to ${to}`}${reason(ask)}` };
}

function judgeRestart(view: GroupView, { name, token }: AskedRun, ask: Ask): Verdict {
  const holds = token !== undefined;
  if (holds && view.asks.has(askName("pause"))) {
    return refuse(ask, "the group is paused, and this node has the lock: no node would take it");
  }
  if (holds && listNext(view, name).length === 0)
    return refuse(ask, "this node has the lock, and no other is ready");
  return { kind: "end", ask, why: `restart${reason(ask)}` };
}

function judgeReinit({ token }: AskedRun, ask: Ask): Verdict {
  if (token !== undefined) return refuse(ask, "this node has the lock: its data are the group's");
  return { kind: "end", ask, why: `restart with new data${reason(ask)}` };
}

/** What this run has accepted, in an answer that was lost, it has to do. */
function refuse(ask: Ask, why: string): Verdict {
  return ask.accepted ? { kind: "end", ask, why: `${ask.kind}${reason(ask)}` } : { kind: "refuse", ask, why };
}

function reason({ why }: Ask): string {
  return why === "" ? "" : `: ${why}`;
}
