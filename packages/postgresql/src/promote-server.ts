import { isServerError } from "./connection.ts";
import type { HookContext } from "./context.ts";
import { fail } from "./failure.ts";

/** As long as the log takes that is still to be replayed. */
const LONGEST_MS = 3_600_000;
const LOOK_MS = 5;
/** New settings may not have been read yet. */
const REFUSALS = 110;
const REFUSED_PAUSE_MS = 20;
/** As a rule they are read within milliseconds. */
const FIRST_REFUSALS = 10;
/**
 * A server that has just lost its master may take a request in and sleep all the same, for `wal_retrieve_retry_interval` (1 s). New
 * settings wake it up.
 */
const WAKE_AFTER_MS = [60, 250];
const READERS_PATIENCE_MS = 500;
const FIRST_WORD_MS = 5_000;
const NEXT_WORD_MS = 60_000;
/** A statement or its session gave way to the replay; the recovery ended between two looks of one statement. */
const LOOK_AGAIN = ["40001", "55000"];

/**
 * Resolves with whether the server takes writes; promotes it only while `condition` holds, which has to hold in the end too.
 * Each statement is short: what the server still has to replay may wait for one that lasts, and be the reason why it lasts.
 */
export async function promoteServer(context: HookContext, condition: string): Promise<boolean> {
  const { clock, server, sleep } = context;
  using over = new DisposableStack();
  const ended = new AbortController();
  over.defer(() => ended.abort());
  void endReaders(context, ended.signal);
  void describeWait(context, ended.signal);
  const until = clock.now() + LONGEST_MS;
  let requestedAt: number | undefined;
  const wakeAfterMs = [...WAKE_AFTER_MS];
  for (let refusals = 0; refusals < REFUSALS; ) {
    const answer = await ask(context, requestedAt !== undefined ? lookSql(condition) : requestSql(condition));
    if (answer === "promoted") return true;
    const isRefused = answer === "refused" || answer === null;
    if (isRefused) refusals += 1;
    if (answer === "promoting") {
      requestedAt ??= clock.now();
      if (clock.now() - requestedAt >= (wakeAfterMs[0] ?? Number.POSITIVE_INFINITY)) {
        wakeAfterMs.shift();
        server.reload();
      }
    }
    if (clock.now() >= until) fail(`the server is not promoted after ${LONGEST_MS / 60_000} min`);
    await sleep(isRefused && refusals > FIRST_REFUSALS ? REFUSED_PAUSE_MS : LOOK_MS);
  }
  return false;
}

function requestSql(condition: string): string {
  return `SELECT CASE WHEN NOT pg_is_in_recovery() THEN CASE WHEN (${condition}) THEN 'promoted' ELSE 'refused' END
    WHEN NOT (${condition}) THEN 'refused'
    WHEN pg_promote(false) THEN 'promoting' END`;
}

function lookSql(condition: string): string {
  return `SELECT CASE WHEN pg_is_in_recovery() THEN 'promoting' WHEN (${condition}) THEN 'promoted' ELSE 'refused' END`;
}

/** Resolves with undefined where another look is needed, and with null where the server did not take the request. */
async function ask({ server }: HookContext, statement: string): Promise<string | null | undefined> {
  try {
    return await server.value(statement, { timeoutMs: LONGEST_MS });
  } catch (error) {
    if (isServerError(error) && LOOK_AGAIN.includes(error.code ?? "")) return undefined;
    throw error;
  }
}

/**
 * A report on the standby may hold up the log, for as long as `max_standby_streaming_delay` allows, and so the promotion.
 * After a moment such sessions are ended: a group without a master is worse than a report that has to be run again.
 */
async function endReaders({ clock, log, server }: HookContext, ended: AbortSignal): Promise<void> {
  for (;;) {
    await clock.sleep(READERS_PATIENCE_MS, { signal: ended }).catch(() => {});
    if (ended.aborted) return;
    // It may give way to the replay too. Of any other error the promotion's own says more.
    const rows = await server
      .query(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE backend_type = 'client backend' AND application_name <> 'msdha hook' AND pg_is_in_recovery()
          AND (backend_xmin IS NOT NULL OR xact_start IS NOT NULL)`)
      .catch(() => undefined);
    if (rows && rows.length > 0) log(`ended ${rows.length} sessions of readers, which held up the promotion`);
  }
}

/** Logs what a promotion waits for that takes long: the log that is left, or an archive that does not answer. */
async function describeWait({ clock, log, server }: HookContext, ended: AbortSignal): Promise<void> {
  const began = clock.now();
  for (let pauseMs = FIRST_WORD_MS; ; pauseMs = NEXT_WORD_MS) {
    await clock.sleep(pauseMs, { signal: ended }).catch(() => {});
    if (ended.aborted) return;
    const event = await server
      .value("SELECT wait_event FROM pg_stat_activity WHERE backend_type = 'startup'")
      .catch(() => null);
    const at = server.replayedFile();
    const seconds = Math.round((clock.now() - began) / 1_000);
    log(`the server is not promoted after ${seconds} s: ${describeStartup(event, at)}`);
  }
}

/** Returns what the process of a server that reads its log does, by what it waits for and the file that it is at. */
export function describeStartup(event: string | null, file: string | undefined): string {
  const at = file === undefined ? "its log" : `the file ${file} of its log`;
  if (event === "RestoreCommand") return `it waits for its restore_command, which does not end, after ${at}`;
  return event === null ? `it reads ${at}` : `it is at ${at}, and waits for ${event}`;
}
