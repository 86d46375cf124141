import { openGroupStore } from "./backend-command.ts";
import type { HookContext } from "./context.ts";
import { fail, messageOf } from "./failure.ts";
import { branchesOfTimeline } from "./history.ts";
import { answerOf, refusalOf } from "./local-server.ts";
import {
  formatMasterPosition,
  lagBehind,
  type MasterPosition,
  parseMasterPosition,
  refuseLag,
} from "./master-position.ts";
import { POSITION_SQL, type Position, readPosition } from "./position.ts";
import { formatSize } from "./sizes.ts";
import { incompleteMark } from "./standby-settings.ts";

const KEY = "postgresql-position";
const LONGEST_FINAL_MS = 1_500;

/** Rejects with a `HookFailure` where this node lacks more of what the last master had than it may. */
export async function requireLittleLag(
  context: HookContext,
  own: Position,
  {
    acceptLoss = false,
    former: reading,
  }: {
    readonly acceptLoss?: boolean;
    /** What was read already. Default: it is read now. */
    readonly former?: Promise<MasterPosition | undefined> | undefined;
  } = {},
): Promise<void> {
  const { files, settings } = context;
  // The next master reads it again when it has replaced it by its own.
  const former = await (reading ?? readMasterPosition(context));
  context.formerMaster.position = former;
  // Data from an archive were allowed to lack what was not archived.
  if (acceptLoss || (settings.archivePromote && files.exists(incompleteMark(context)))) return;
  const refusal = refuseLag(own, former, settings.maxLag);
  if (refusal !== undefined) fail(refusal);
}

/** Resolves with how far the last master was when it told the group; undefined where none has. */
export async function readMasterPosition({ store }: HookContext): Promise<MasterPosition | undefined> {
  return parseMasterPosition(await store.get(KEY));
}

/** Resolves with what this standby lacks of what a master had, in words for the log. */
export async function describeLag({ server }: HookContext, former: MasterPosition): Promise<string> {
  const own = readPosition((await answerOf(server.query(POSITION_SQL)))?.[0]);
  if (!own) return `how much of what ${former.master} had this node lacks is not known`;
  const lag = lagBehind(own, former);
  return lag === 0
    ? `this node lacks at most what ${former.master} wrote in its last second`
    : `this node lacks ${formatSize(lag)} of what ${former.master} had, and what it wrote in its last second`;
}

/**
 * Tells the group how far this node is, as the master; does nothing where it is as far as `before`, and where its server does not answer.
 * Resolves with that. Rejects where the server refuses this node, or the group can't be told.
 */
export async function publishPosition(
  context: HookContext,
  before: string | undefined,
): Promise<string | undefined> {
  const { member, server, store } = context;
  const question =
    server.query(`SELECT ('x' || left(pg_walfile_name(lsn), 8))::bit(32)::int, pg_wal_lsn_diff(lsn, '0/0')
      FROM pg_current_wal_flush_lsn() AS lsn`);
  const rows = await question.catch((error: unknown) => {
    if (refusalOf(error) !== undefined) throw error;
    return undefined;
  });
  const [timeline, bytes] = rows?.[0] ?? [];
  if (!timeline || !bytes) return before;
  const position = { master: member, timeline: Number(timeline), bytes: BigInt(bytes) };
  // A master's timeline stays the same, and is told every second.
  const told = parseMasterPosition(before);
  const branches =
    told?.timeline === position.timeline ? told.branches : branchesOfTimeline(context, position.timeline);
  const line = formatMasterPosition({ ...position, branches });
  if (line !== before) await store.put(KEY, line);
  return line;
}

/**
 * Tells the group where a master's log ends whose server was shut down. Logs where that fails, or takes too long: a node that lacks what
 * was written in the last second may then be promoted.
 */
export async function publishFinalPosition(
  context: HookContext,
  { timeline, bytes }: Pick<Position, "timeline" | "bytes">,
  signal: AbortSignal,
): Promise<void> {
  const { env, log, member } = context;
  const store = openGroupStore(env, AbortSignal.any([signal, AbortSignal.timeout(LONGEST_FINAL_MS)]));
  try {
    const branches = branchesOfTimeline(context, timeline);
    await store.put(KEY, formatMasterPosition({ master: member, timeline, bytes, branches }));
  } catch (error) {
    if (!signal.aborted) log(`the group was not told how far this node is: ${messageOf(error)}`);
  }
}
