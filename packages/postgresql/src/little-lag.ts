import type { HookContext } from "./context.ts";
import { fail } from "./failure.ts";
import { answerOf } from "./local-server.ts";
import { formatMasterPosition, parseMasterPosition, refuseLag } from "./master-position.ts";
import type { Position } from "./position.ts";

const KEY = "postgresql-position";

/** Rejects with a `HookFailure` where this node lacks more of what the last master had than it may. */
export async function requireLittleLag(context: HookContext, own: Position): Promise<void> {
  const { settings, store } = context;
  // Data from an archive were allowed to lack what was not archived.
  if (settings.maxLag === Number.POSITIVE_INFINITY || settings.archivePromote) return;
  const refusal = refuseLag(own, parseMasterPosition(await store.get(KEY)), settings.maxLag);
  if (refusal !== undefined) fail(refusal);
}

/** Tells the group how far this node is, as the master; does nothing where it is as far as `before`. Resolves with that. */
export async function publishPosition(
  { member, server, store }: HookContext,
  before: string | undefined,
): Promise<string | undefined> {
  const rows = await answerOf(
    server.query(`SELECT ('x' || left(pg_walfile_name(lsn), 8))::bit(32)::int, pg_wal_lsn_diff(lsn, '0/0')
      FROM pg_current_wal_flush_lsn() AS lsn`),
  );
  const [timeline, bytes] = rows?.[0] ?? [];
  if (!timeline || !bytes) return before;
  const line = formatMasterPosition({ master: member, timeline: Number(timeline), bytes: BigInt(bytes) });
  if (line !== before) await store.put(KEY, line);
  return line;
}
