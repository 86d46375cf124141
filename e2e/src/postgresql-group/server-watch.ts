import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import type { Access } from "./writer.ts";

/** What a PostgreSQL server says about itself. */
export interface ServerState {
  readonly role: "primary" | "standby";
  /** The standbys that stream from it, and how many bytes each has yet to apply. */
  readonly standbys: Readonly<Record<string, number>>;
  /** Whether it streams from another one. */
  readonly streams: boolean;
}

export interface ServerWatch {
  /** Undefined while it does not answer. */
  readonly state: ServerState | undefined;
  stop(): void;
}

const INTERVAL_MS = 200;
const QUERY = `SELECT pg_is_in_recovery() AS recovers,
    EXISTS (SELECT FROM pg_stat_wal_receiver WHERE status = 'streaming') AS streams,
    CASE WHEN pg_is_in_recovery() THEN '{}' ELSE (
      SELECT coalesce(json_object_agg(application_name, pg_wal_lsn_diff(pg_current_wal_lsn(), replay_lsn)), '{}')
      FROM pg_stat_replication WHERE state = 'streaming' AND replay_lsn IS NOT NULL) END AS standbys`;

/** Asks a server how it is, again and again, over one connection that is opened anew when it breaks. */
export function watchServer(access: Access): ServerWatch {
  let stopped = false;
  let state: ServerState | undefined;

  async function follow(): Promise<void> {
    const client = new pg.Client({
      ...{ ...access, application_name: "demo watch" },
      ...{ connectionTimeoutMillis: 1_000, query_timeout: 2_000 },
    });
    client.on("error", () => {});
    try {
      await client.connect();
      while (!stopped) {
        const { rows } = await client.query<{
          recovers: boolean;
          streams: boolean;
          standbys: Record<string, number>;
        }>(QUERY);
        const [row] = rows;
        if (row)
          state = {
            role: row.recovers ? "standby" : "primary",
            streams: row.streams,
            standbys: row.standbys,
          };
        await sleep(INTERVAL_MS);
      }
    } finally {
      state = undefined;
      void client.end().catch(() => {});
    }
  }

  async function run(): Promise<void> {
    while (!stopped) {
      await follow().catch(() => {});
      if (!stopped) await sleep(INTERVAL_MS);
    }
  }
  void run();

  return {
    get state() {
      return state;
    },
    stop() {
      stopped = true;
    },
  };
}
