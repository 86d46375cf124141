import type { HookContext } from "./context.ts";
import { answerOf } from "./local-server.ts";
import { timelineDigits } from "./lsn.ts";
import type { Peer } from "./peer.ts";
import { quoteSql } from "./quoting.ts";
import { isUndelivered } from "./undelivered.ts";

/** Resolves with the timeline of a master; undefined where it does not answer or is still to be promoted. */
export async function timelineOf(peer: Peer): Promise<number | undefined> {
  const answer = await answerOf(
    peer.value(`SELECT CASE WHEN pg_is_in_recovery() THEN 0
      ELSE ('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::int END`),
  );
  return answer ? Number(answer) || undefined : undefined;
}

/**
 * Resolves with whether this node receives from that server, on its present timeline. (For a moment a server also sends
 * the end of the timeline before to a standby that has gone beyond it.)
 */
export async function streamsFrom({ server, settings }: HookContext, peer: Peer): Promise<boolean> {
  const timeline = await timelineOf(peer);
  if (timeline === undefined) return false;
  const receivers = await answerOf(
    server.value(`SELECT count(*) FROM pg_stat_wal_receiver WHERE status = 'streaming'
      AND sender_host = '${quoteSql(peer.address)}' AND sender_port = ${settings.port} AND received_tli = ${timeline}`),
  );
  return receivers === "1";
}

/**
 * Resolves with why this standby can't ever follow that master, in the word that the next start has to know: `parted`,
 * it holds records that the master's history does not have; `beyond`, it asks for log from a file which the master has
 * not reached; `missed`, it lacks log that nobody has any more. Undefined where it can, and where one of the two servers does not answer.
 */
export async function whyItCannotFollow(
  context: HookContext,
  peer: Peer,
): Promise<"parted" | "beyond" | "missed" | undefined> {
  if (await hasParted(context, peer)) return "parted";
  if (await asksBeyond(context, peer)) return "beyond";
  return (await hasMissed(context, peer)) ? "missed" : undefined;
}

/** Returns a hook's last line for a standby that can't follow, by the mark that it leaves. */
export function describeCannotFollow(mark: "parted" | "beyond" | "missed", master: string): string {
  return mark === "missed"
    ? `${master} has removed log that this standby still needs: ending, so that the next start clones the data anew`
    : `the data hold records that ${master} does not have: ending, so that the next start rewinds them`;
}

/**
 * This standby is not fed by anybody, and what it asks for next is in a file that is older than the oldest that the
 * master has. Where there is an archive, that does not deliver it either.
 */
async function hasMissed(context: HookContext, peer: Peer): Promise<boolean> {
  const { server } = context;
  const rows = await answerOf(
    server.query(`SELECT greatest(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn()),
      EXISTS (SELECT FROM pg_stat_wal_receiver WHERE status = 'streaming')`),
  );
  const [needed, streams] = rows?.[0] ?? [];
  if (!needed || streams === "t") return false;
  const missed = await answerOf(
    peer.value(`SELECT min(right(name, 16)) > upper(lpad(to_hex(trunc(pos / 4294967296)::bigint), 8, '0')
        || lpad(to_hex(trunc(mod(pos, 4294967296) / segment)::bigint), 8, '0'))
      FROM pg_ls_waldir(), (SELECT pg_wal_lsn_diff('${needed}', '0/0')) AS a (pos),
        (SELECT setting::numeric FROM pg_settings WHERE name = 'wal_segment_size') AS b (segment)
      WHERE name ~ '^[0-9A-F]{24}$' AND NOT pg_is_in_recovery()
      GROUP BY pos, segment`),
  );
  if (missed !== "t") return false;
  // MSDHA's, or one of the site's own, in postgresql.conf or by ALTER SYSTEM.
  const restoreCommand = await answerOf(server.value("SHOW restore_command"));
  if (restoreCommand === undefined) return false;
  if (restoreCommand === "") return true;
  return await isUndelivered(context, peer.address, needed);
}

async function hasParted({ server }: HookContext, peer: Peer): Promise<boolean> {
  // The position first: whatever timeline it is on, its log has a file by the time that the files are listed.
  const replayed = await answerOf(server.value("SELECT pg_last_wal_replay_lsn()"));
  const ours = await answerOf(
    server.value(`SELECT ('x' || max(left(name, 8)))::bit(32)::int FROM pg_ls_waldir()
      WHERE name ~ '^[0-9A-F]{24}$'`),
  );
  if (!replayed || !ours) return false;
  const timeline = await timelineOf(peer);
  if (timeline === undefined || timeline === Number(ours)) return false;
  if (timeline === 1) return true;
  const parted = await leftAt(peer, timeline, Number(ours), `coalesce(max(at) < '${replayed}', true)`);
  return parted === "t";
}

/**
 * Asks a server that is on `timeline` for an expression about `at`, where its history left an older timeline (no row
 * where it never was on it). Undefined where it does not answer.
 */
export async function leftAt(
  peer: Peer,
  timeline: number,
  older: number,
  expression: string,
): Promise<string | null | undefined> {
  return await answerOf(
    peer.value(`SELECT ${expression} FROM (SELECT split_part(line, E'\\t', 2)::pg_lsn
      FROM regexp_split_to_table(
        convert_from(pg_read_binary_file('pg_wal/${timelineDigits(timeline)}.history'), 'UTF8'), '\\n') AS line
      WHERE split_part(line, E'\\t', 1) = '${older}') AS a (at)`),
  );
}

/**
 * This standby has the first part of a record that a former master never finished, up to the end of a file, and looks
 * for the rest of it in the next one, instead of reading that record again as the master has it.
 */
async function asksBeyond({ server }: HookContext, peer: Peer): Promise<boolean> {
  const asked = await answerOf(server.value("SELECT pg_last_wal_receive_lsn()"));
  if (!asked || (await timelineOf(peer)) === undefined) return false;
  const beyond = await answerOf(
    peer.value(`SELECT trunc(pg_wal_lsn_diff('${asked}', '0/0') / size)
        > trunc(pg_wal_lsn_diff(pg_current_wal_flush_lsn(), '0/0') / size)
      FROM (SELECT setting::bigint FROM pg_settings WHERE name = 'wal_segment_size') AS a (size)`),
  );
  return beyond === "t";
}
