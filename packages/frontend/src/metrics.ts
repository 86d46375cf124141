import { Counter, Gauge, Registry } from "prom-client";
import type { FrontendStatus } from "./status.ts";

/** The status in Prometheus' text format. */
export async function renderMetrics(
  status: FrontendStatus,
): Promise<{ readonly type: string; readonly text: string }> {
  const registry = new Registry();
  const gauge = (name: string, help: string, value: number): void => {
    new Gauge({ name: `msdha_frontend_${name}`, help, registers: [registry] }).set(value);
  };
  const counter = (name: string, help: string, value: number): void => {
    new Counter({ name: `msdha_frontend_${name}_total`, help, registers: [registry] }).inc(value);
  };
  registry.setDefaultLabels({ group: status.group });
  const master = new Gauge({
    name: "msdha_frontend_master",
    help: "1 for the node that connections go to",
    labelNames: ["node"],
    registers: [registry],
  });
  if (status.ready && status.master) master.set({ node: status.master.name }, 1);
  gauge("healthy", "1 when connections are taken and go where they should", Number(status.healthy));
  gauge("following", "1 while etcd is followed", Number(status.following));
  gauge("proven", "1 while a quorum of etcd confirms the master", Number(status.proven));
  counter("switches", "How many times connections were sent to another master", status.switches);
  gauge("haproxy_up", "1 while HAProxy runs and answers", Number(status.haproxy.running));
  counter("haproxy_restarts", "How many times HAProxy was started again", status.haproxy.restarts);
  if (status.traffic) {
    gauge("sessions", "Sessions with a master", status.traffic.sessions);
    gauge("waiting_connections", "Connections that wait for a master", status.traffic.waiting);
    counter("connections", "Connections taken since HAProxy was started", status.traffic.connections);
    counter(
      "received_bytes",
      "Bytes received from clients since HAProxy was started",
      status.traffic.bytesIn,
    );
    counter("sent_bytes", "Bytes sent to clients since HAProxy was started", status.traffic.bytesOut);
  }
  return { type: registry.contentType, text: await registry.metrics() };
}
