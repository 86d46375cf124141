import type { Clock } from "@msdha/clock";
import type { EtcdApi, Operation, Transaction } from "@msdha/etcd-client";
import { rangeAnswer } from "@msdha/etcd-client";
import type { Lease } from "@msdha/etcd-lease";
import { retryWhileLeased } from "@msdha/etcd-lock";
import { type Ask, parseAsk } from "./ask.ts";
import { NameTakenError, NodeKeyLostError } from "./errors.ts";
import type { GroupKeys } from "./keys.ts";
import { type NodeDetails, type NodeState, parseDetails } from "./node-state.ts";
import { type Term, writeTerm } from "./term.ts";

/** A node's place in its group: its node key, on its lease. */
export interface Membership {
  readonly name: string;
  readonly lease: Lease;
  readonly state: NodeState;
  /** The revision of the last write of the node key that is known to be ours. */
  readonly modRevision: number;
  /**
   * Writes the next state. Rejects with a `NodeKeyLostError` when the key is not ours any more, with the lease's
   * reason when the lease is lost first, or with the reason of `signal`. An answer that was lost is made good.
   */
  enter(state: NodeState, options?: { readonly signal?: AbortSignal }): Promise<void>;
  /**
   * Takes `held` out of the node's details, so that frontends send traffic to it while it is the master. Resolves with
   * the revision that did it; rejects as `enter` does. Records `term` in the same transaction.
   */
  openTraffic(options?: { readonly signal?: AbortSignal; readonly term?: Term }): Promise<number>;
  /** An operator's request, found at the join, that this run begins with new data. */
  readonly reinit: Ask | undefined;
  /** What says since when the node is in a state, for a transaction that puts it into one; nothing without `wallClock`. */
  since(): readonly Operation[];
  /** Records a state that another transaction (the lock's) wrote. */
  entered(state: NodeState, modRevision: number): void;
  /** Deletes the node key if it is ours, and the request that is carried out with this; the lease stays. Resolves too when it was gone already. */
  leave(options?: { readonly ask?: Pick<Ask, "kind" | "node"> }): Promise<void>;
}

export interface JoinGroupOptions {
  readonly name: string;
  readonly lease: Lease;
  readonly details: NodeDetails;
  /** The run id of a former run of this very node, every process of which is known to be gone. */
  readonly formerRunId?: string | undefined;
  readonly clock: Clock;
  /** The machine's wall clock, in ms since 1970, to show people since when the node is in a state. Default: it is not shown. */
  readonly wallClock?: (() => number) | undefined;
  readonly signal: AbortSignal;
}

/** How much longer than its lease to wait for another run's key: etcd removes an expired lease some time later. */
const LEASE_REMOVAL_MS = 2_000;
const LOOK_AGAIN_MS = 200;

/**
 * Puts the node key, in state `pre_start`, on the lease.
 *
 * A key that a former run of this very node left behind is removed with that run's lease, at once. For any other run's
 * key it waits until that lease would have ended, and 2 s more. Rejects with a `NameTakenError` when that lease is
 * renewed meanwhile, or when the key is on none: two nodes of one name must not end each other for ever.
 */
export async function joinGroup(
  etcd: EtcdApi,
  keys: GroupKeys,
  options: JoinGroupOptions,
): Promise<Membership> {
  const { name, lease, details, formerRunId, clock, signal } = options;
  const key = keys.node(name);
  const reinit = keys.ask("reinit", name);
  const stranger = createStrangerWatch(etcd, name, clock);
  const since = createSince(keys, options);
  for (;;) {
    signal.throwIfAborted();
    const result = await retryWhileLeased(lease, { clock, signal }, (call) =>
      etcd.txn(
        {
          compare: [{ key, target: "create", is: "=", value: 0 }],
          success: [
            { type: "put", key, value: "pre_start", lease: lease.id },
            { type: "put", key: keys.details(name), value: JSON.stringify(details), lease: lease.id },
            ...since(),
            { type: "range", key: reinit },
          ],
          failure: [
            { type: "range", key },
            { type: "range", key: keys.details(name) },
            { type: "range", key: reinit },
          ],
        },
        call,
      ),
    );
    const [asked] = rangeAnswer(result, result.results.length - 1);
    const found = { since, reinit: asked && parseAsk("reinit", name, asked) };
    const membershipAt = (revision: number): Membership =>
      createMembership(etcd, keys, { ...options, ...found }, revision);
    if (result.succeeded) return membershipAt(result.revision);
    const [present] = rangeAnswer(result, 0);
    if (!present) continue;
    if (present.lease === lease.id) return membershipAt(present.modRevision);
    const formerRun = rangeAnswer(result, 1).find((kv) => kv.lease === present.lease);
    if (formerRunId !== undefined && formerRun && parseDetails(formerRun.value)?.runId === formerRunId) {
      await etcd.leaseRevoke(present.lease, { timeoutMs: lease.ttlMs, signal });
    } else {
      await stranger(present.lease, signal);
    }
  }
}

function createSince(keys: GroupKeys, { name, lease, wallClock }: JoinGroupOptions): Membership["since"] {
  return () => {
    if (!wallClock) return [];
    return [{ type: "put", key: keys.since(name), value: String(wallClock()), lease: lease.id }];
  };
}

function createStrangerWatch(etcd: EtcdApi, name: string, clock: Clock) {
  let waitingFor: { lease: string; until: number } | undefined;
  return async (leaseId: string, signal: AbortSignal): Promise<void> => {
    if (leaseId === "0")
      throw new NameTakenError(name, "its key is on no lease; delete it if no such node runs");
    const asked = clock.now();
    const left = (await etcd.leaseTimeToLive(leaseId, { timeoutMs: 5_000, signal })) * 1000;
    waitingFor ??= { lease: leaseId, until: asked + Math.max(left, 0) + LEASE_REMOVAL_MS };
    if (leaseId !== waitingFor.lease) throw new NameTakenError(name, "another node has just taken it too");
    if (asked + left > waitingFor.until || asked > waitingFor.until) {
      throw new NameTakenError(name, "a node of this name is alive and renews its lease");
    }
    await clock.sleep(LOOK_AGAIN_MS, { signal });
  };
}

function createMembership(
  etcd: EtcdApi,
  keys: GroupKeys,
  { name, lease, details, clock, since, reinit }: JoinGroupOptions & Pick<Membership, "since" | "reinit">,
  revision: number,
): Membership {
  const key = keys.node(name);
  let state: NodeState = "pre_start";
  let modRevision = revision;

  async function enter(next: NodeState, { signal }: { readonly signal?: AbortSignal } = {}): Promise<void> {
    const change: Transaction = {
      compare: [{ key, target: "mod", is: "=", value: modRevision }],
      success: [{ type: "put", key, value: next, lease: lease.id }, ...since()],
      failure: [{ type: "range", key }],
    };
    const result = await retryWhileLeased(lease, { clock, signal }, (call) => etcd.txn(change, call));
    if (result.succeeded) {
      entered(next, result.revision);
      return;
    }
    const [present] = rangeAnswer(result, 0);
    if (present?.lease !== lease.id || present.value !== next) throw new NodeKeyLostError(key);
    entered(next, present.modRevision);
  }

  async function openTraffic({
    signal,
    term,
  }: Parameters<Membership["openTraffic"]>[0] = {}): Promise<number> {
    const value = JSON.stringify({ ...details, held: false });
    const record: readonly Operation[] = term
      ? [{ type: "put", key: keys.term(term.token), value: writeTerm(term) }]
      : [];
    const change: Transaction = {
      compare: [{ key, target: "mod", is: "=", value: modRevision }],
      success: [{ type: "put", key: keys.details(name), value, lease: lease.id }, ...record],
      failure: [],
    };
    const result = await retryWhileLeased(lease, { clock, signal }, (call) => etcd.txn(change, call));
    if (!result.succeeded) throw new NodeKeyLostError(key);
    return result.revision;
  }

  function entered(next: NodeState, at: number): void {
    state = next;
    modRevision = at;
  }

  async function leave({ ask }: Parameters<Membership["leave"]>[0] = {}): Promise<void> {
    const done: readonly Operation[] = ask ? [{ type: "delete", key: keys.ask(ask.kind, ask.node) }] : [];
    await retryWhileLeased(lease, { clock }, (call) =>
      etcd.txn(
        {
          compare: [{ key, target: "lease", is: "=", value: lease.id }],
          success: [{ type: "delete", key }, ...done],
          failure: [{ type: "range", key }],
        },
        call,
      ),
    );
  }

  return {
    name,
    lease,
    get state() {
      return state;
    },
    get modRevision() {
      return modRevision;
    },
    enter,
    openTraffic,
    since,
    reinit,
    entered,
    leave,
  };
}
