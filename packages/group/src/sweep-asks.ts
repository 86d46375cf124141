import type { EtcdApi } from "@msdha/etcd-client";
import { type Ask, isOver } from "./ask.ts";
import type { GroupFollower } from "./follow-group.ts";
import type { GroupKeys } from "./keys.ts";
import type { GroupView } from "./view.ts";

export interface SweepOptions {
  /** The machine's wall clock, in ms since 1970. */
  readonly wallClock: () => number;
  readonly signal: AbortSignal;
  /** Called for each pause or hold that this node has taken away. */
  readonly onSwept?: (ask: Ask) => void;
}

/** How long a try may take, and how soon the wall clock is read again: it can be set. */
const AGAIN_MS = 5_000;

/**
 * Takes away the pauses and holds whose time is over, by this machine's wall clock. Every node does; the first one counts.
 * A lease would not do: etcd begins its leases anew when its leader changes. Rejects with the reason of `signal`, and
 * never else: an etcd that does not answer is asked again.
 */
export async function sweepAsks(
  etcd: EtcdApi,
  follower: GroupFollower,
  { wallClock, signal, onSwept = () => {} }: SweepOptions,
): Promise<never> {
  for (;;) {
    const { view } = follower;
    const now = wallClock();
    const over = listTimed(view).filter((ask) => isOver(ask, now));
    for (const ask of over) {
      if (await takeAway(etcd, view.keys, ask, signal)) onSwept(ask);
    }
    const nextMs = Math.min(...listTimed(view).map(({ until = 0 }) => Math.max(until - now, 1)));
    // The view shows what was taken away soon; until then there is nothing to do.
    const waitMs = over.length > 0 ? AGAIN_MS : Math.min(nextMs, AGAIN_MS);
    await follower.changed({
      since: view,
      timeoutMs: listTimed(view).length > 0 ? waitMs : Number.POSITIVE_INFINITY,
      signal,
    });
  }
}

function listTimed({ asks }: GroupView): readonly Ask[] {
  return [...asks.values()].filter(
    ({ kind, until }) => (kind === "pause" || kind === "hold") && until !== undefined,
  );
}

async function takeAway(etcd: EtcdApi, keys: GroupKeys, ask: Ask, signal: AbortSignal): Promise<boolean> {
  const key = keys.ask(ask.kind, ask.node);
  try {
    const { succeeded } = await etcd.txn(
      {
        compare: [{ key, target: "mod", is: "=", value: ask.revision }],
        success: [{ type: "delete", key }],
        failure: [],
      },
      { timeoutMs: AGAIN_MS, signal },
    );
    return succeeded;
  } catch {
    signal.throwIfAborted();
    return false;
  }
}
