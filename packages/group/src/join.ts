import { hostname } from "node:os";
import { type Clock, systemClock } from "@msdha/clock";
import type { EtcdApi } from "@msdha/etcd-client";
import { acquireLease, type Nonce, timing } from "@msdha/etcd-lease";
import { type ObservedRevisions, observeRevisions } from "@msdha/etcd-lock";
import { campaign } from "./campaign.ts";
import type { Candidate } from "./candidacy.ts";
import { watchOwnKeys } from "./find-lost-key.ts";
import { type ChangedOptions, followGroup, type GroupFollower } from "./follow-group.ts";
import { type GroupKeys, groupKeys } from "./keys.ts";
import type { Lead } from "./lead.ts";
import { joinGroup, type Membership } from "./membership.ts";
import type { NodeState } from "./node-state.ts";
import type { GroupView } from "./view.ts";

export interface JoinOptions {
  /** How long the node may be cut off from etcd before it counts as lost, in whole seconds, from 1 on. */
  readonly ttlSeconds: number;
  /** The node's name, which no other node of the group has. Default: the host's name. */
  readonly name?: string;
  /** Where frontends reach the node. Default: its name. */
  readonly address?: string;
  /** Asked in elections. Default: the node may always be master, without a rank. */
  readonly candidate?: Candidate | undefined;
  /** Ends the attempt to join; aborts the member's `lost` later on. */
  readonly signal?: AbortSignal | undefined;
  /** Default: `systemClock`. */
  readonly clock?: Clock;
  /** See `acquireLease`. */
  readonly nonce?: Nonce | undefined;
}

/** A node of a group. Disposing leaves the group. */
export interface Member extends AsyncDisposable {
  readonly name: string;
  /** The group, as the watch shows it. Replaced with every change. */
  readonly view: GroupView;
  /**
   * Aborts when the lease, the node key or the lock is lost, or may be, and with the caller's signal. A master ends then
   * whatever it does as one, before `deadline`. The member is of no use any more: leave, and join again.
   */
  readonly lost: AbortSignal;
  /** By when everything that a master does must have ended, in ms on the clock: each proof of the lease puts it off. */
  readonly deadline: number;
  /** Resolves when the view is another one than `since`, or after `timeoutMs`. Rejects with the reason of `signal`. */
  changed(options: ChangedOptions): Promise<void>;
  /** Writes the node's state. Only a node that is `ready` is asked in elections. */
  enter(state: Exclude<NodeState, "master">): Promise<void>;
  /** Competes for the master lock until it is ours. Rejects with the reason of `lost`. One campaign, or lead, at a time. */
  campaign(): Promise<Lead>;
  /**
   * Deletes the node key and revokes the lease. A master that did not hand over before gives its lock up with that, and
   * the next one waits. Never rejects: what could not be deleted ends with the lease.
   */
  leave(): Promise<void>;
}

/**
 * Joins a group: gets a lease, follows the group and puts the node key, in state `pre_start`. Rejects with a
 * `NameTakenError`, with what etcd refuses, with an `EtcdUnavailableError`, or with the reason of `signal`.
 *
 * Nothing ends what a master does when it is lost: that is the caller's, by `lost` and `deadline`. `@msdha/backend` has a
 * process outside that kills in time.
 */
export async function join(api: EtcdApi, group: string, options: JoinOptions): Promise<Member> {
  const { ttlSeconds, name = hostname(), address = name, signal, clock = systemClock, nonce } = options;
  const keys = groupKeys(group);
  const { etcd, observed } = observeRevisions(api, { clock });
  const lease = await acquireLease(etcd, {
    ttlSeconds,
    clock,
    probeKey: keys.lock,
    signal,
    ...(nonce && { nonce }),
  });
  const following = new AbortController();
  const follower = followGroup(etcd, group, { clock, signal: following.signal });
  follower.listen(({ revision }) => observed.note(revision));
  async function close(): Promise<void> {
    following.abort(new Error("the node has left its group"));
    await lease.release();
  }
  try {
    const end = AbortSignal.any([lease.lost, ...(signal ? [signal] : [])]);
    const details = { runId: crypto.randomUUID(), address, ttlSeconds };
    const membership = await joinGroup(etcd, keys, { name, lease, details, clock, signal: end });
    return createMember(etcd, { ...options, clock, follower, keys, membership, observed, close });
  } catch (error) {
    await close();
    throw error;
  }
}

interface MemberParts extends Pick<JoinOptions, "ttlSeconds" | "candidate" | "signal"> {
  readonly clock: Clock;
  readonly follower: GroupFollower;
  readonly keys: GroupKeys;
  readonly membership: Membership;
  readonly observed: ObservedRevisions;
  close(): Promise<void>;
}

function createMember(etcd: EtcdApi, parts: MemberParts): Member {
  const { clock, follower, keys, membership, observed, close } = parts;
  const { lease, name } = membership;
  const failed = new AbortController();
  const lost = AbortSignal.any([lease.lost, failed.signal, ...(parts.signal ? [parts.signal] : [])]);
  let token: number | undefined;
  let left = false;
  follower.ended.catch((error: unknown) => failed.abort(error));
  watchOwnKeys(follower, observed, {
    own: () => ({
      name,
      lease: lease.id,
      lock: token,
      nodeKey: left ? undefined : membership.modRevision,
      openTraffic: undefined,
    }),
    onLost: (error) => failed.abort(error),
  });
  const deadline = (): number => lease.seen + timing.goneAfterTtls * lease.ttlMs;

  /** From here on the lease proves the lock, until that is given back. */
  function proveLock(lead: Lead): Lead {
    token = lead.token;
    lease.prove({ key: keys.lock, createRevision: token, written: keys.proof(lease.id) });
    async function giveBack(how: Parameters<Lead["giveBack"]>[0] = {}): Promise<boolean> {
      token = undefined;
      lease.prove({ key: keys.node(name) });
      const isLate = lost.aborted || clock.now() >= deadline();
      const ours = await lead.giveBack(isLate ? { ...how, handover: undefined } : how);
      if (membership.state === "master") await membership.enter("ready");
      return ours && !isLate;
    }
    return {
      ...lead,
      giveBack,
      async handOver({ signal, for: chosen } = {}) {
        const handover = await lead.prepareHandover({ signal });
        return await giveBack({ handover, for: chosen, signal });
      },
    };
  }

  async function leave(): Promise<void> {
    left = true;
    token = undefined;
    await membership.leave().catch(() => {});
    await close();
  }

  lease.prove({ key: keys.node(name) });
  return {
    name,
    lost,
    get view() {
      return follower.view;
    },
    get deadline() {
      return deadline();
    },
    changed: follower.changed,
    enter: async (state) => await membership.enter(state, { signal: lost }),
    campaign: async () => {
      const { ttlSeconds, candidate } = parts;
      const options = { membership, ttlSeconds, clock, signal: lost, observed, candidate };
      return proveLock(await campaign(etcd, follower, options));
    },
    leave,
    [Symbol.asyncDispose]: leave,
  };
}
