import { createSamples, type Samples } from "@msdha/status-port";
import { Histogram, Registry } from "prom-client";
import type { ConnectionWait } from "./proxy.ts";
import type { FrontendStatus } from "./status.ts";

/** What a scrape shows besides the status. */
export interface Scrape {
  readonly status: FrontendStatus;
  /** The nodes that the group has now. */
  readonly nodes: readonly string[];
  readonly withoutMasterMs: number;
  /** Whether an operator's pause keeps all nodes from taking the lock, and how many nodes a hold does. */
  readonly paused: boolean;
  readonly heldNodes: number;
  /** How many lines of its log HAProxy could not write; undefined while it can't be asked. */
  readonly droppedLogLines: number | undefined;
}

export interface FrontendMetrics {
  /** Counts a connection that waited. */
  waited(wait: ConnectionWait): void;
  /** Renders everything in Prometheus' text format. */
  render(scrape: Scrape): Promise<{ readonly type: string; readonly text: string }>;
}

const WAIT_BUCKETS = [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 30, 60, 120];
/** Anybody who may write to the group can make up nodes; each is a time series of its own. */
const MOST_NODES = 100;
const ROUTES = ["serve", "drain", "none"] as const;

/** Returns the metrics of one frontend, in a registry of their own. */
export function createMetrics(group: string): FrontendMetrics {
  const registry = new Registry();
  registry.setDefaultLabels({ group });
  const waits = new Histogram({
    name: "msdha_frontend_wait_seconds",
    help: "How long connections waited for a master that did not find one at once, by how the wait ended",
    labelNames: ["outcome"],
    buckets: WAIT_BUCKETS,
    registers: [registry],
  });
  for (const outcome of ["served", "in_vain", "left"]) waits.zero({ outcome });
  const set = createMetricSamples(createSamples(registry, "msdha_frontend"));
  return {
    waited: ({ outcome, waitedMs }) => waits.observe({ outcome }, waitedMs / 1_000),
    render: async (scrape) => {
      set(scrape);
      return { type: registry.contentType, text: await registry.metrics() };
    },
  };
}

/** Declares what is read at every scrape. Returns the function that sets it. */
function createMetricSamples(samples: Samples): (scrape: Scrape) => void {
  const { gauge, counter } = samples;
  const setTraffic = createTrafficSamples(samples);
  const master = gauge("master", "1 for the node that connections go to, 0 for the group's others", ["node"]);
  const ready = gauge("ready", "1 while there is a master that connections go to");
  const route = gauge(
    "route",
    "1 for what new connections do: serve is going to the master, else they wait",
    ["route"],
  );
  const healthy = gauge("healthy", "1 when connections are taken and go where they should");
  const following = gauge("following", "1 while etcd is followed");
  const proven = gauge("proven", "1 while a quorum of etcd confirms the master");
  const up = gauge("haproxy_up", "1 while HAProxy runs and answers");
  const switches = counter("switches", "How many times connections were sent to another master");
  const restarts = counter("haproxy_restarts", "How many times HAProxy was started again");
  const without = counter("without_master_seconds", "How long new connections had no master to go to");
  const paused = gauge("paused", "1 while an operator's pause keeps nodes from taking the lock");
  const held = gauge("held_nodes", "Nodes that an operator's hold keeps from taking the lock");
  return ({ status, nodes, withoutMasterMs, paused: isPaused, heldNodes, droppedLogLines }) => {
    const serving = status.ready ? status.master?.name : undefined;
    const named = new Set([...(serving === undefined ? [] : [serving]), ...nodes.slice(0, MOST_NODES)]);
    master.reset();
    for (const node of named) master.set({ node }, Number(node === serving));
    for (const kind of ROUTES) route.set({ route: kind }, Number(kind === status.route));
    ready.set(Number(status.ready));
    healthy.set(Number(status.healthy));
    following.set(Number(status.following));
    proven.set(Number(status.proven));
    up.set(Number(status.haproxy.running && status.traffic !== null));
    paused.set(Number(isPaused));
    held.set(heldNodes);
    switches(status.switches);
    restarts(status.haproxy.restarts);
    without(withoutMasterMs / 1_000);
    setTraffic(status.traffic, droppedLogLines);
  };
}

/** What HAProxy counts: unknown while it can't be asked, which is no 0. */
function createTrafficSamples({
  gauge,
  counter,
}: Samples): (traffic: FrontendStatus["traffic"], droppedLogLines: number | undefined) => void {
  const sessions = gauge("sessions", "Sessions with a master");
  const waiting = gauge("waiting_connections", "Connections that wait for a master");
  const connections = counter("connections", "Connections taken since HAProxy was started");
  const received = counter("received_bytes", "Bytes received from clients since HAProxy was started");
  const sent = counter("sent_bytes", "Bytes sent to clients since HAProxy was started");
  const dropped = counter(
    "haproxy_dropped_log_lines",
    "Lines that HAProxy could not write since it was started; waits in them are not counted",
  );
  return (traffic, droppedLogLines) => {
    if (droppedLogLines !== undefined) dropped(droppedLogLines);
    if (!traffic) {
      sessions.remove();
      waiting.remove();
      return;
    }
    sessions.set(traffic.sessions);
    waiting.set(traffic.waiting);
    connections(traffic.connections);
    received(traffic.bytesIn);
    sent(traffic.bytesOut);
  };
}
