import type { HookContext } from "../context.ts";
import type { Master } from "../current-master.ts";
import { answerOf } from "../local-server.ts";
import type { Lsn } from "../lsn.ts";
import { quoteSql } from "../quoting.ts";
import { type MasterReport, type OtherReport, reportLine, type StandbyReport } from "../report-line.ts";
import { streamFrom } from "../stream-from.ts";

const QUERY_MS = 2_000;
const TIMELINE_SQL =
  "(SELECT max(('x' || left(name, 8))::bit(32)::int) FROM pg_ls_waldir() WHERE name ~ '^[0-9A-F]{24}$')";

/**
 * Resolves with how much of the master's log readers of this node do not see yet, and what the node does. A standby that
 * streams knows that by itself; only one that does not asks the master.
 */
export async function report(context: HookContext): Promise<string> {
  return `${reportLine(await look(context), context.activity.note)}\n`;
}

async function look(context: HookContext): Promise<StandbyReport | MasterReport | OtherReport> {
  const { env, server } = context;
  if (env["MSDHA_STATE"] === "pre_start") return { kind: "other", note: "the server does not run yet" };
  if (!server.takesConnections()) return { kind: "other", note: "the server is starting or stopping" };
  const master = context.group.master();
  const rows = await answerOf(server.query(reportSql(context, master), { timeoutMs: QUERY_MS }));
  const row = rows?.[0];
  if (!row) return { kind: "other", note: "the server does not answer" };
  if (row[0] !== "t") return { kind: "master", standbys: row[6]?.split(" ") ?? [] };
  return await readStandby(context, master, row);
}

async function readStandby(
  { peer, sleep }: HookContext,
  master: Master | undefined,
  [, paused, replayed, received, timeline, latest]: readonly (string | null)[],
): Promise<StandbyReport> {
  const streams = latest !== null && latest !== undefined;
  const asked = peer(master?.address ?? "");
  const end =
    streams || !master
      ? latest
      : await Promise.race([
          answerOf(asked.value("SELECT pg_wal_lsn_diff(pg_current_wal_flush_lsn(), '0/0')")),
          sleep(QUERY_MS).then(() => undefined),
        ]);
  return {
    kind: "standby",
    master: master?.name,
    replayed: toLsn(replayed) ?? 0n,
    received: toLsn(received) ?? 0n,
    timeline: Number(timeline ?? 0),
    paused: paused === "t",
    end: toLsn(end),
    streams,
  };
}

/**
 * Of a standby: the last column but one is the end of the master's log, as its last message said; NULL where that is not recent. Only
 * where there is no master is the timeline told, for which the server lists a folder. Of a master: the last column has its standbys.
 */
function reportSql({ settings }: HookContext, master: Master | undefined): string {
  return `SELECT standby, CASE WHEN standby THEN pg_is_wal_replay_paused() END,
      pg_wal_lsn_diff(pg_last_wal_replay_lsn(), '0/0'),
      pg_wal_lsn_diff(greatest(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn()), '0/0'),
      ${master ? "NULL" : TIMELINE_SQL},
      (SELECT pg_wal_lsn_diff(latest_end_lsn, '0/0') ${streamFrom(master?.address ?? "", settings)}),
      CASE WHEN NOT standby THEN (SELECT string_agg(DISTINCT application_name COLLATE "C", ' ' ORDER BY application_name COLLATE "C")
        FROM pg_stat_replication WHERE state = 'streaming' AND usename = '${quoteSql(settings.replicator)}'
          AND application_name <> 'msdha hook') END
    FROM pg_is_in_recovery() AS a (standby)`;
}

function toLsn(text: string | null | undefined): Lsn | undefined {
  return text === null || text === undefined ? undefined : BigInt(text);
}
