import { Counter, Gauge, Registry } from "prom-client";

/** One number of the server. */
export interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: string;
}

const PREFIX = "msdha_postgresql_";

/** What each number says, and its kind. Only these are published. */
const METRICS: Readonly<Record<string, readonly ["gauge" | "counter", string]>> = {
  up: ["gauge", "1 while the server answers"],
  in_recovery: ["gauge", "1 on a standby, 0 on a master"],
  started_seconds: ["gauge", "When the server started, in seconds since 1970"],
  connections: ["gauge", "Connections of clients, by state"],
  max_connections: ["gauge", "The setting max_connections"],
  waiting_for_standby: ["gauge", "Commits that wait for a synchronous standby"],
  waiting_for_lock: ["gauge", "Sessions that wait for a lock"],
  longest_transaction_seconds: ["gauge", "For how long the oldest open transaction has been open"],
  prepared_transactions: ["gauge", "Prepared transactions that are neither committed nor rolled back"],
  wal_position_bytes: ["gauge", "The end of the log: written on a master, received on a standby"],
  replay_behind_bytes: ["gauge", "On a standby: what was received and is not replayed"],
  standby_behind_bytes: ["gauge", "On a master: what each standby has not replayed"],
  slot_retained_bytes: ["gauge", "Log that each replication slot keeps"],
  slot_active: ["gauge", "1 while a replication slot is in use"],
  archived_total: ["counter", "Files of the log that were archived"],
  archive_failures_total: ["counter", "Attempts to archive that failed"],
  database_size_bytes: ["gauge", "The size of each database"],
  database_commits_total: ["counter", "Transactions that were committed"],
  database_rollbacks_total: ["counter", "Transactions that were rolled back"],
  database_blocks_read_total: ["counter", "Blocks that were not in shared memory"],
  database_blocks_hit_total: ["counter", "Blocks that were"],
  database_temporary_bytes_total: ["counter", "Bytes of temporary files"],
  database_deadlocks_total: ["counter", "Deadlocks"],
  database_conflicts_total: ["counter", "Queries that were cancelled for the replay on a standby"],
  database_frozen_age: [
    "gauge",
    "Transactions since the oldest that is not frozen: a server stops at 2 billion",
  ],
};

/** Resolves with samples in Prometheus' text format, each with the label `group` and `node`. What has no value is left out. */
export async function formatMetrics(
  samples: readonly Sample[],
  common: Readonly<Record<"group" | "node", string>>,
): Promise<string> {
  const registry = new Registry();
  for (const [name, [kind, help]] of Object.entries(METRICS)) {
    const found = samples.filter((sample) => sample.name === name);
    if (found.length === 0) continue;
    const labelNames = [...new Set(found.flatMap(({ labels }) => Object.keys({ ...common, ...labels })))];
    const options = { name: `${PREFIX}${name}`, help, labelNames, registers: [registry] };
    const metric = kind === "gauge" ? new Gauge(options) : new Counter(options);
    for (const { labels, value } of found) metric.inc({ ...common, ...labels }, Number(value));
  }
  const names = registry.getMetricsAsArray().map(({ name }) => name);
  const texts = await Promise.all(names.map((name) => registry.getSingleMetricAsString(name)));
  return `${texts.join("\n")}\n`;
}

/** Returns the samples in an answer to `METRICS_SQL`. */
export function readSamples(rows: readonly (readonly (string | null)[])[]): readonly Sample[] {
  return rows.flatMap(([name, label, of, value]): Sample[] =>
    name && value ? [{ name, labels: label && of ? { [label]: of } : {}, value }] : [],
  );
}

/** Asks a server for its numbers: name, a label and its value where there is one, and the number. */
export const METRICS_SQL: string = `WITH
    own AS (SELECT standby, CASE WHEN standby THEN greatest(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn())
      ELSE pg_current_wal_lsn() END AS lsn FROM pg_is_in_recovery() AS a (standby)),
    clients AS (SELECT * FROM pg_stat_activity WHERE backend_type = 'client backend' AND application_name <> 'msdha hook'),
    databases AS (SELECT d.oid, s.*, age(d.datfrozenxid) AS frozen FROM pg_stat_database s JOIN pg_database d ON d.oid = s.datid
      WHERE NOT d.datistemplate)
  SELECT 'in_recovery', NULL, NULL, standby::int::numeric FROM own
  UNION ALL SELECT 'started_seconds', NULL, NULL, extract(epoch FROM pg_postmaster_start_time())::numeric
  UNION ALL SELECT 'connections', 'state', coalesce(state, 'unknown'), count(*) FROM clients GROUP BY 3
  UNION ALL SELECT 'max_connections', NULL, NULL, current_setting('max_connections')::numeric
  UNION ALL SELECT 'waiting_for_standby', NULL, NULL, count(*) FROM clients WHERE wait_event = 'SyncRep'
  UNION ALL SELECT 'waiting_for_lock', NULL, NULL, count(*) FROM clients WHERE wait_event_type = 'Lock'
  UNION ALL SELECT 'longest_transaction_seconds', NULL, NULL,
    coalesce(max(extract(epoch FROM clock_timestamp() - xact_start)), 0)::numeric FROM clients
  UNION ALL SELECT 'prepared_transactions', NULL, NULL, count(*) FROM pg_prepared_xacts
  UNION ALL SELECT 'wal_position_bytes', NULL, NULL, pg_wal_lsn_diff(lsn, '0/0') FROM own
  UNION ALL SELECT 'replay_behind_bytes', NULL, NULL, pg_wal_lsn_diff(lsn, pg_last_wal_replay_lsn()) FROM own WHERE standby
  UNION ALL SELECT 'standby_behind_bytes', 'standby', application_name, max(pg_wal_lsn_diff(lsn, replay_lsn))
    FROM own, pg_stat_replication WHERE application_name <> 'msdha hook' GROUP BY 3
  UNION ALL SELECT 'slot_retained_bytes', 'slot', slot_name, greatest(pg_wal_lsn_diff(lsn, restart_lsn), 0) FROM own, pg_replication_slots
  UNION ALL SELECT 'slot_active', 'slot', slot_name, active::int FROM pg_replication_slots
  UNION ALL SELECT 'archived_total', NULL, NULL, archived_count FROM pg_stat_archiver
  UNION ALL SELECT 'archive_failures_total', NULL, NULL, failed_count FROM pg_stat_archiver
  UNION ALL SELECT 'database_size_bytes', 'database', datname, pg_database_size(oid) FROM databases
  UNION ALL SELECT 'database_commits_total', 'database', datname, xact_commit FROM databases
  UNION ALL SELECT 'database_rollbacks_total', 'database', datname, xact_rollback FROM databases
  UNION ALL SELECT 'database_blocks_read_total', 'database', datname, blks_read FROM databases
  UNION ALL SELECT 'database_blocks_hit_total', 'database', datname, blks_hit FROM databases
  UNION ALL SELECT 'database_temporary_bytes_total', 'database', datname, temp_bytes FROM databases
  UNION ALL SELECT 'database_deadlocks_total', 'database', datname, deadlocks FROM databases
  UNION ALL SELECT 'database_conflicts_total', 'database', datname, conflicts FROM databases
  UNION ALL SELECT 'database_frozen_age', 'database', datname, frozen FROM databases`;
