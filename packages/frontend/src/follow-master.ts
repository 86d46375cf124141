import type { Clock } from "@msdha/clock";
import type { EtcdApi } from "@msdha/etcd-client";
import { followGroup, type Mastership, mastership } from "@msdha/group";
import type { Log } from "@msdha/settings";
import { describeError } from "./describe-error.ts";

export interface FollowMasterOptions {
  readonly clock: Clock;
  readonly log: Log;
  readonly signal: AbortSignal;
  /** Called with what the group says, after each change of anything in it. */
  readonly onMastership: (now: Mastership) => void;
}

/** Following a group's master. */
export interface MasterFollower {
  /** Whether etcd is followed right now; the last that was seen holds while it is not. */
  readonly following: boolean;
  /** Settles when `signal` has aborted. */
  readonly ended: Promise<void>;
}

const AGAIN_MS = 5_000;

/** Follows a group for as long as `signal` lets it, whatever etcd does; an error that lasts is logged and outwaited. */
export function followMaster(etcd: EtcdApi, group: string, options: FollowMasterOptions): MasterFollower {
  const { clock, log, signal, onMastership } = options;
  let following = false;

  function onHealth(up: boolean, why?: Error): void {
    if (up === following) return;
    following = up;
    if (up) log.info("following etcd");
    else log.warn({ why: describeError(why) }, "etcd can't be followed: the last master is kept");
  }

  async function follow(): Promise<void> {
    while (!signal.aborted) {
      const onView = (view: Parameters<typeof mastership>[0]): void => {
        onHealth(true);
        onMastership(mastership(view));
      };
      const error = await followGroup(etcd, group, { clock, signal, onView, onHealth }).ended.catch(
        (e: unknown) => e,
      );
      if (signal.aborted) return;
      following = false;
      log.error({ why: describeError(error) }, "etcd refuses to be followed: the last master is kept");
      await clock.sleep(AGAIN_MS, { signal }).catch(() => {});
    }
  }

  const ended = follow();
  return {
    get following() {
      return following;
    },
    ended,
  };
}
