import type { HookContext } from "./context.ts";
import { fail } from "./failure.ts";
import { answerOf } from "./local-server.ts";
import { majorVersion } from "./major-version.ts";

/** The first version whose standbys keep logical slots of their master. */
const FIRST_VERSION = 17;

/** Throws a `HookFailure` where logical slots are to survive a fail-over and the programs are of a version that can't have them do so. */
export async function checkLogicalSlots(context: HookContext): Promise<void> {
  if (!context.settings.logicalSlots) return;
  const version = await majorVersion(context);
  if (version >= FIRST_VERSION) return;
  fail(
    `MSDHA_PG_LOGICAL_SLOTS: expected no, since PostgreSQL ${version} does not keep logical slots over a fail-over (${FIRST_VERSION} does)`,
  );
}

/** Returns the settings with which a standby keeps the master's logical slots that were made for it (`failover`). */
export function logicalSlotSettings({ settings }: Pick<HookContext, "settings">): readonly string[] {
  if (!settings.logicalSlots) return [];
  return ["wal_level = logical", "hot_standby_feedback = on", "sync_replication_slots = on"];
}

/** Drops, on a standby that was a master, the slots that it had then: those of the new master can't take their names otherwise. */
export async function dropOwnLogicalSlots({ log, server, settings }: HookContext): Promise<void> {
  if (!settings.logicalSlots) return;
  const rows = await answerOf(
    server.query(`SELECT slot_name, pg_drop_replication_slot(slot_name) FROM pg_replication_slots
      WHERE slot_type = 'logical' AND failover AND NOT synced AND NOT active AND pg_is_in_recovery()`),
  );
  if (rows && rows.length > 0) {
    log(`dropped logical slots that this node had as the master: ${rows.map(([name]) => name).join(", ")}`);
  }
}
