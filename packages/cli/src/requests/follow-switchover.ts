import { type GroupView, mastership, type Term } from "@msdha/group";

/** What has come of a switchover, with the time of each step by this machine's clock. Later steps imply earlier ones. */
export interface Progress {
  /** The lock that it is to end, and the request's own revision. */
  readonly token: number;
  readonly request: number;
  /** The master has said that it carries the request out. */
  readonly acceptedAt?: number;
  /** The request is gone and the master is what it was: it has refused it. */
  readonly refusedAt?: number;
  /** Its node key is gone: frontends send it nothing new. */
  readonly leftAt?: number;
  /** The lock is free; `handedOver`: and nothing of it runs. */
  readonly free?: { readonly handedOver: boolean; readonly at: number };
  /** Another node has the lock; `waits`: and has to wait until nothing of the old master can run any more. */
  readonly taken?: { readonly node: string; readonly waits: boolean; readonly at: number };
  /** Another node is published. */
  readonly published?: { readonly node: string; readonly token: number; readonly at: number };
  /** And takes connections. */
  readonly openAt?: number;
  /** How long nobody was the master, as the group's history has it. */
  readonly recordedGapMs?: number;
}

/** Returns the progress as a later view shows it. */
export function advance(before: Progress, view: GroupView, now: number): Progress {
  const { token, request } = before;
  if (view.revision < request) return before;
  const ask = view.asks.get("switchover");
  const master = mastership(view);
  const isStill = master.kind === "master" && master.token === token;
  let next = before;
  const add = (step: Partial<Progress>): void => {
    next = { ...step, ...next };
  };
  // A fast one takes its request away before a view has shown that it was accepted: how its time ended says so.
  const isSwitchover = isEndOfSwitchover(view.terms.get(token));
  if ((ask?.accepted && ask.token === token) || isSwitchover) add({ acceptedAt: now });
  if (!ask && isStill && next.acceptedAt === undefined) add({ refusedAt: now });
  if (!isStill) add({ leftAt: now });
  const { lock } = view;
  const isNext = lock !== undefined && lock.token > token;
  const waits = lock?.takenAfter === "wait";
  if (lock?.token !== token)
    add({ free: { handedOver: isNext ? !waits : view.handover !== undefined, at: now } });
  if (isNext) add({ taken: { node: lock.node ?? "?", waits, at: now } });
  if (master.kind === "master" && master.token > token) {
    add({ published: { node: master.name, token: master.token, at: now } });
    const gapMs = view.terms.get(master.token)?.gapMs;
    if (gapMs !== undefined) add({ recordedGapMs: gapMs });
    if (!master.held) add({ openAt: now });
  }
  return next;
}

/**
 * How long no master took connections; undefined before the end. Views that come late, or together, make it too short here: then it is
 * what the group's history has, if it has it.
 */
export function withoutMasterMs({ leftAt, openAt, recordedGapMs }: Progress): number | undefined {
  if (leftAt === undefined || openAt === undefined) return undefined;
  const measuredMs = openAt > leftAt ? openAt - leftAt : undefined;
  return recordedGapMs === undefined ? measuredMs : Math.max(measuredMs ?? 0, recordedGapMs);
}

function isEndOfSwitchover(term: Term | undefined): boolean {
  return term?.end?.by === "itself" && /^asked to stop: switchover\b/.test(term.end.why);
}
