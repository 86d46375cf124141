import { describeError } from "@msdha/app";
import type { Clock } from "@msdha/clock";
import type { EtcdApi } from "@msdha/etcd-client";
import { followGroup, type GroupView, type Mastership, mastership } from "@msdha/group";
import type { Log } from "@msdha/log";
import { proveMaster } from "./prove-master.ts";

export interface FollowMasterOptions {
  readonly clock: Clock;
  readonly log: Log;
  readonly signal: AbortSignal;
  /** The group's TTL where etcd has no record of it. */
  readonly ttlSeconds: number;
  /** Called with the group, after each change of anything in it and after `onMastership`. Must not throw. */
  readonly onView?: (view: GroupView) => void;
  /** Called with what the group says, after each change of anything in it. */
  readonly onMastership: (now: Mastership) => void;
  /** Called before `onMastership` when a quorum of etcd confirms that master, or has not for 2 TTLs; at first it has not. */
  readonly onProven: (proven: boolean) => void;
  /** Called when a quorum of etcd is asked. */
  readonly onAsk?: () => void;
}

/** Following a group's master. */
export interface MasterFollower {
  /** Whether etcd's watch is followed right now. */
  readonly following: boolean;
  /** Whether a quorum of etcd has confirmed what the watch showed within 2 TTLs. */
  readonly proven: boolean;
  /** When the newest read that a quorum of etcd has answered was sent; undefined before the first. */
  readonly readAt: number | undefined;
  /** Settles when `signal` has aborted. */
  readonly ended: Promise<void>;
}

const AGAIN_MS = 5_000;

/** Follows a group for as long as `signal` lets it, whatever etcd does; an error that lasts is logged and outwaited. */
export function followMaster(etcd: EtcdApi, group: string, options: FollowMasterOptions): MasterFollower {
  const {
    clock,
    log,
    signal,
    ttlSeconds,
    onMastership,
    onProven,
    onAsk = () => {},
    onView = () => {},
  } = options;
  const prover = proveMaster(etcd, group, { clock, signal, ttlSeconds, onProven, onAsk });
  let following = false;

  function onHealth(up: boolean, why?: Error): void {
    if (up === following) return;
    following = up;
    if (up) log.info("following etcd");
    else
      log.warn(
        { why: describeError(why) },
        "etcd can't be followed: connections go on to the last master for a while",
      );
  }

  async function follow(): Promise<void> {
    while (!signal.aborted) {
      const follower = followGroup(etcd, group, { clock, signal, onHealth });
      follower.listen((view) => {
        onHealth(true);
        prover.watched(view);
        onMastership(mastership(view));
        onView(view);
      });
      const error = await follower.ended.catch((e: unknown) => e);
      if (signal.aborted) return;
      following = false;
      log.error(
        { why: describeError(error) },
        "etcd refuses to be followed: connections go on to the last master for a while",
      );
      await clock.sleep(AGAIN_MS, { signal }).catch(() => {});
    }
  }

  const ended = follow();
  return {
    get following() {
      return following;
    },
    get proven() {
      return prover.proven;
    },
    get readAt() {
      return prover.readAt;
    },
    ended,
  };
}
