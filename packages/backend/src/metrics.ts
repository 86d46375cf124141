import { timing } from "@msdha/etcd-lease";
import { nodeStates } from "@msdha/group";
import { createSamples } from "@msdha/status-port";
import { Counter, Histogram, Registry } from "prom-client";
import type { BackendConfig } from "./config.ts";
import type { NoteCall } from "./metered-etcd.ts";
import type { NoteRun } from "./metered-hooks.ts";
import type { Node } from "./node.ts";
import { behindOf, judgePrimary, judgeReplica } from "./standing.ts";

export interface BackendMetrics {
  readonly noteCall: NoteCall;
  readonly noteRun: NoteRun;
  /** Renders everything in Prometheus' text format; before the node has joined its group, what there is by then. */
  render(node: Node | undefined): Promise<{ readonly type: string; readonly text: string }>;
}

/** Up to a third of the longest TTL that is usual; an answer that takes longer is a failure by then. */
const ETCD_BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5];
const HOOK_BUCKETS = [0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30, 60, 300, 1_800];

/** Returns the metrics of one node, in a registry of their own. */
export function createMetrics({ group, name }: Pick<BackendConfig, "group" | "name">): BackendMetrics {
  const registry = new Registry();
  registry.setDefaultLabels({ group, node: name });
  const etcd = timed(registry, "etcd_request", "operation", "requests to etcd", ETCD_BUCKETS);
  const hooks = timed(registry, "hook", "hook", "runs of hooks that have ended", HOOK_BUCKETS);
  const sample = declareSamples(registry);
  return {
    noteCall: etcd,
    noteRun: hooks,
    async render(node) {
      sample(node);
      return { type: registry.contentType, text: await registry.metrics() };
    },
  };
}

/** Declares a histogram and a counter of failures. Returns the function that notes one more. */
function timed(
  registry: Registry,
  name: string,
  label: string,
  what: string,
  buckets: number[],
): (which: string, seconds: number, failed: boolean) => void {
  const seconds = new Histogram({
    name: `msdha_backend_${name}_seconds`,
    help: `How long ${what} took, failed ones included`,
    labelNames: [label],
    buckets,
    registers: [registry],
  });
  const failures = new Counter({
    name: `msdha_backend_${name}_failures_total`,
    help: `How many ${what} failed`,
    labelNames: [label],
    registers: [registry],
  });
  return (which, took, failed) => {
    seconds.observe({ [label]: which }, took);
    failures.inc({ [label]: which }, Number(failed));
  };
}

/** Declares what is read at every scrape. Returns the function that reads it. */
function declareSamples(registry: Registry): (node: Node | undefined) => void {
  const { gauge, counter } = createSamples(registry, "msdha_backend");
  const state = gauge("state", "1 for the state that the node is in", ["state"]);
  const joined = gauge("joined", "1 while the node is a member of its group");
  const master = gauge("master", "1 while the node is published as the master");
  const primary = gauge("primary", "1 while /primary says yes");
  const replica = gauge("replica", "1 while /replica says yes");
  const ending = gauge("ending", "1 when the node is about to end");
  const token = gauge("fencing_token", "The token of the lock that the node holds, 0 without one");
  const ttl = gauge("ttl_seconds", "The TTL of the node's lease");
  const age = gauge("proof_age_seconds", "How long ago the node's lease was proven by a quorum of etcd");
  const margin = gauge(
    "kill_margin_seconds",
    "How long until everything of a node that has the lock is killed, unless it is proven again",
  );
  const queue = gauge("node_state_change_queue", "Calls of node_state_change that have not begun");
  const alive = gauge("alive_failures", "How many runs of the alive hook have failed one after the other");
  const behind = gauge(
    "behind_bytes",
    "How many bytes of the master's data the node lacks, by its report hook; absent where that is not known",
  );
  const failures = counter("node_state_change_failures", "How many runs of node_state_change have failed");
  return (node) => {
    const present = node?.membership.state;
    for (const one of nodeStates) state.set({ state: one }, Number(one === present));
    joined.set(Number(node !== undefined));
    master.set(Number(node?.role.kind === "master"));
    primary.set(Number(judgePrimary(node).yes));
    replica.set(Number(judgeReplica(node).yes));
    ending.set(Number(node?.end.begun.aborted ?? false));
    token.set(tokenOf(node));
    queue.set(node?.changes.waiting ?? 0);
    alive.set(node?.liveness.latest?.failures ?? 0);
    const bytes = behindOf(node);
    if (bytes === undefined) behind.remove();
    else behind.set(bytes);
    failures(node?.changes.failures ?? 0);
    if (!node) return;
    const { clock, fence, lease, role } = node;
    const ageMs = clock.now() - lease.seen;
    ttl.set(lease.ttlMs / 1_000);
    age.set(ageMs / 1_000);
    const killAt = Math.min(fence.killAt, lease.seen + timing.goneAfterTtls * lease.ttlMs);
    if (role.kind === "candidate") margin.remove();
    else margin.set((killAt - clock.now()) / 1_000);
  };
}

function tokenOf(node: Node | undefined): number {
  return node && "lead" in node.role ? node.role.lead.token : 0;
}
