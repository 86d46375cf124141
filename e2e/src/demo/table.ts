import type { GroupView, NodeView } from "../postgresql-group/group-watch.ts";
import type { ServerState } from "../postgresql-group/server-watch.ts";

/** What the table shows beside the group itself. */
export interface Progress {
  readonly event: string;
  readonly rows: number;
  /** The longest gap of the event that goes on, in ms. */
  readonly gapMs?: number;
  readonly refusedConnections?: number;
}

const COLUMNS = ["node", "address", "state", "PostgreSQL", "replication"] as const;

/** Renders the live table. */
export function renderTable(
  view: GroupView,
  { event, rows, gapMs = 0, refusedConnections = 0 }: Progress,
): string {
  const lines = [COLUMNS, ...view.nodes.map((node) => toCells(node, view.master?.server))];
  const widths = COLUMNS.map((_, column) => Math.max(...lines.map((cells) => cells[column]?.length ?? 0)));
  const table = lines.map((cells) =>
    cells
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join("   ")
      .trimEnd(),
  );
  const etcd = view.etcdAnswers ? "" : "   etcd does not answer";
  return [
    ...table.map((line) => `  ${line}`),
    `  ${event}   rows ${rows}   longest gap ${(gapMs / 1_000).toFixed(2)} s   refused ${refusedConnections}${etcd}`,
  ].join("\n");
}

/** The same in one line, without what changes all the time. */
export function summarize({ nodes, etcdAnswers }: GroupView): string {
  const parts = nodes.map(({ name, state, isMaster, server }) =>
    [name, isMaster ? "MASTER" : state || "-", ...(server?.streams ? ["streaming"] : [])].join(" "),
  );
  return [...parts, ...(etcdAnswers ? [] : ["etcd does not answer"])].join(", ");
}

function toCells(
  { name, address, state, isMaster, server }: NodeView,
  master: ServerState | undefined,
): string[] {
  const shown = isMaster ? "MASTER" : state || "-";
  return [name, address, shown, server?.role ?? "-", describeReplication(name, server, master)];
}

function describeReplication(
  name: string,
  server: ServerState | undefined,
  master: ServerState | undefined,
): string {
  if (!server) return "";
  if (server.role === "primary") return `to ${Object.keys(server.standbys).sort().join(" and ") || "nobody"}`;
  const behind = master?.standbys[name];
  if (behind === undefined) return server.streams ? "streaming" : "waiting";
  return behind > 0 ? `streaming, ${behind} bytes behind` : "streaming";
}
