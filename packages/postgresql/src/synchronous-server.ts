import { existsSync } from "node:fs";
import type { HookContext } from "./context.ts";
import { answerOf } from "./local-server.ts";
import { formatLsn, type Lsn, parseLsn } from "./lsn.ts";
import { createMembers } from "./members.ts";
import { memberIn } from "./names.ts";
import { standbyNames } from "./quorum.ts";
import { quoteSql } from "./quoting.ts";
import type { Settings } from "./settings.ts";
import { writeSyncSettings } from "./standby-settings.ts";
import type { SynchronousServer } from "./synchronous-master.ts";

/** A standby that is further behind than this is not waited for, unless it already is. */
const CLOSE_BYTES = 16_777_216;
const PAUSE_MS = 20;
const LONGEST_KNOWS_MS = 2_000;
const LONGEST_WAIT_MS = 10_000;
const CHECKPOINT_MS = 3_600_000;

export const STANDBYS_OVERRIDDEN =
  "synchronous_standby_names is not what MSDHA sets: it must not be set anywhere else";

export interface LocalSynchronousServer extends SynchronousServer {
  /**
   * Returns whether `connected` may say something new, without a question to the server: a process that serves a standby has ended, a
   * standby is not counted yet, or a node of the group is missing. Not seen: another connection of a node that has one.
   */
  mayDiffer(): boolean;
}

/** Returns this node's server as the master whose commits wait; `using` is the context of the round that runs. */
export function openSynchronousServer(using: () => HookContext): LocalSynchronousServer {
  const members = createMembers();
  let seen: readonly Served[] = [];
  const value = (statement: string): Promise<string | null> => using().server.value(statement);

  async function until(limitMs: number, reached: () => Promise<boolean>): Promise<boolean> {
    const end = using().clock.now() + limitMs;
    while (!(await reached())) {
      if (using().clock.now() >= end) return false;
      await using().sleep(PAUSE_MS);
    }
    return true;
  }

  return {
    flushed: async () => parseLsn((await value("SELECT pg_current_wal_flush_lsn()")) ?? ""),
    connected: async (since, known) => {
      const { server, settings } = using();
      const rows = await server.query(connectedSql(settings, since, known));
      seen = rows.map(([name, pid, counts]) => ({
        name: name ?? "",
        pid: pid ?? "",
        counts: counts === "t",
      }));
      const counted = new Set(seen.filter(({ counts }) => counts).map(({ name }) => name));
      return await members.among(using(), [...counted]);
    },
    mayDiffer: () =>
      seen.some(({ name, counts, pid }) => (!counts && isPlain(name)) || !existsSync(`/proc/${pid}`)) ||
      !members.areAll(
        using(),
        seen.map(({ name }) => memberIn(name)),
      ),
    async waitFor(needed, standbys) {
      const context = using();
      const names = writeSyncSettings(context, needed, standbys);
      context.server.reload();
      const knows = await until(LONGEST_KNOWS_MS, () => newSessionsKnow(context, names));
      if (!knows) throw new Error(STANDBYS_OVERRIDDEN);
      if (needed > 0 && standbys.length > 0) await writeSomethingNew(context);
    },
    async nobodyCounts() {
      const nobody = await until(
        LONGEST_KNOWS_MS,
        async () => (await value("SELECT count(*) FROM pg_stat_replication WHERE sync_priority > 0")) === "0",
      );
      if (!nobody) throw new Error("a connection of a standby does not read its settings");
    },
    async disconnect(standbys) {
      const { server } = using();
      const pids = await server.query(`SELECT pid FROM pg_stat_replication WHERE ${isOneOf(standbys)}`);
      if (pids.length === 0) return;
      const list = pids.map(([pid]) => pid).join();
      await server.query(`SELECT pg_terminate_backend(pid) FROM unnest(ARRAY[${list}]) AS pid`);
      const ended = await until(
        LONGEST_WAIT_MS,
        async () => (await value(`SELECT count(*) FROM pg_stat_replication WHERE pid IN (${list})`)) === "0",
      );
      if (!ended) throw new Error("a connection of a standby does not end");
    },
    enoughHave: (position, needed, standbys) =>
      until(LONGEST_WAIT_MS, async () => {
        const found = await value(`SELECT count(DISTINCT application_name) FROM pg_stat_replication
          WHERE flush_lsn >= '${formatLsn(position)}'::pg_lsn AND ${isOneOf(standbys)}`);
        return Number(found) >= needed;
      }),
    async checkpoint() {
      await using().server.query("CHECKPOINT", { timeoutMs: CHECKPOINT_MS });
    },
  };
}

function isOneOf(standbys: readonly string[]): string {
  return `application_name = ANY ('{${standbys.map((name) => `"${quoteSql(name)}"`).join()}}')`;
}

/** A process of this server that serves a standby, and whether that one counts. */
interface Served {
  readonly name: string;
  readonly pid: string;
  readonly counts: boolean;
}

const PLAIN = "^[a-z0-9_.-]+$";

/** Commits may wait for a standby of this name. */
function isPlain(name: string): boolean {
  return new RegExp(PLAIN).test(name);
}

/** Where a commit has to be on several, only standbys with a slot count: a slot serves one connection at a time. */
function connectedSql({ replicator, syncNodes }: Settings, since: Lsn, known: readonly string[]): string {
  const once =
    syncNodes === 1
      ? "true"
      : "pid IN (SELECT active_pid FROM pg_replication_slots WHERE slot_name LIKE 'msdha\\_%')";
  return `SELECT application_name, pid, state = 'streaming' AND application_name ~ '${PLAIN}'
      AND flush_lsn >= '${formatLsn(since)}'::pg_lsn AND ${once}
      AND (pg_wal_lsn_diff(pg_current_wal_flush_lsn(), flush_lsn) < ${CLOSE_BYTES} OR ${isOneOf(known)})
    FROM pg_stat_replication WHERE usename = '${quoteSql(replicator)}' AND application_name <> 'msdha hook'
    ORDER BY application_name COLLATE "C"`;
}

/** The postmaster reads its settings first and starts every process with them. */
async function newSessionsKnow(context: HookContext, names: string): Promise<boolean> {
  return (await answerOf(context.server.valueInNewSession("SHOW synchronous_standby_names"))) === names;
}

/**
 * A commit that waits is let go when a standby of the list says how far it is. One that has said so before it was in the
 * list would say so again only after half of `wal_sender_timeout`, or when there is something new: so there is
 * something new. Its own commit does not wait.
 */
async function writeSomethingNew({ server }: HookContext): Promise<void> {
  await server.query(
    "BEGIN; SET LOCAL synchronous_commit = local; SELECT pg_logical_emit_message(true, 'msdha', ''); COMMIT",
  );
}

/** Returns what the server may say for whom commits wait while a promotion sets it. */
export function namesDuringPromotion(needed: number, standbys: readonly string[]): readonly string[] {
  return [standbyNames(1, []), standbyNames(needed, standbys)];
}
