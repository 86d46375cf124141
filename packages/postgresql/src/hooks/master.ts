import { openCandidate } from "../acknowledged.ts";
import type { Backups } from "../backups.ts";
import type { HookContext } from "../context.ts";
import { fail, messageOf } from "../failure.ts";
import type { Keeper } from "../keeper.ts";
import { answerOf } from "../local-server.ts";
import { noteLoss } from "../losses.ts";
import { promoteInSync } from "../promotion.ts";
import { incompleteMark, masterMark, writeSyncSettings } from "../standby-settings.ts";
import { describeRecord } from "../synchronous-master.ts";
import { namesDuringPromotion, STANDBYS_OVERRIDDEN } from "../synchronous-server.ts";

const LONGEST_PROMOTION_MS = 3_600_000;
const CHECKPOINT_PAUSE_MS = 500;
const READERS_PATIENCE_MS = 500;

/** Promotes this node and resolves as soon as it takes writes. `background` runs what may take its time. */
export async function master(
  context: HookContext,
  {
    keeper,
    backups,
    background,
  }: {
    readonly keeper: Keeper;
    readonly backups: Backups;
    readonly background: (work: BackgroundWork) => void;
  },
): Promise<string> {
  const token =
    context.env["MSDHA_FENCING_TOKEN"] ?? fail("MSDHA_FENCING_TOKEN: expected the lock's, got none");
  const { sync } = context.settings;
  await keeper.promoting(async () => {
    if (sync === "off") await promoteAlone(context, token);
    else await promoteWaiting(context, token, keeper, sync);
  });
  background(async (later) => {
    // Whoever has to rewind reads the new timeline from the control file, which the next checkpoint writes; the clients
    // that have waited for a master come first.
    await later.sleep(CHECKPOINT_PAUSE_MS);
    await answerOf(later.server.query("CHECKPOINT", { timeoutMs: LONGEST_PROMOTION_MS }));
    await noteLoss(later);
    await backups.make(later);
  });
  return "";
}

/** Work that goes on when its hook is over, with a context that does. */
export type BackgroundWork = (context: HookContext) => Promise<void>;

async function promoteAlone(context: HookContext, token: string): Promise<void> {
  const record = { kind: "async", needed: 0, token, master: context.member, standbys: [] } as const;
  const told = context.store.record.write(record).catch((error: unknown) => {
    context.log(
      `the group was not told that commits are acknowledged without a standby: ${messageOf(error)}`,
    );
  });
  context.files.remove(incompleteMark(context));
  if (!(await promote(context, "true"))) fail("the server could not be promoted");
  await told;
}

async function promoteWaiting(
  context: HookContext,
  token: string,
  keeper: Keeper,
  mode: "preferred" | "strict",
): Promise<void> {
  const { files, member, store } = context;
  // This node is the master, although the files may still name the one before.
  const group = { ...context.group, master: () => undefined };
  const server = {
    ...openCandidate({ ...context, group }),
    leaveMark: () => files.write(masterMark(context), `${member} ${token}\n`, { sync: true }),
    async promote(needed: number, standbys: readonly string[]) {
      // Until now the server waits for nobody who can be: pre_start has seen to it.
      writeSyncSettings(context, needed, standbys);
      context.server.reload();
      files.remove(incompleteMark(context));
      const names = namesDuringPromotion(needed, standbys).map((one) => `'${one}'`);
      const condition = `current_setting('synchronous_standby_names') IN (${names.join(", ")})`;
      if (!(await promote(context, condition))) fail(STANDBYS_OVERRIDDEN);
    },
  };
  const record = await promoteInSync(server, store.record, {
    token,
    member,
    mode,
    nodes: context.settings.syncNodes,
  });
  context.log(describeRecord(record));
  keeper.begin(token, record);
}

/** Resolves with whether the server takes writes; promotes it only while `condition` holds. */
async function promote(context: HookContext, condition: string): Promise<boolean> {
  const { server, sleep } = context;
  using over = new DisposableStack();
  const ended = new AbortController();
  over.defer(() => ended.abort());
  void endReaders(context, ended.signal);
  for (let tries = 100; tries > 0; tries -= 1) {
    const rows = await server.query(
      `DO $$ BEGIN
        IF NOT pg_is_in_recovery() OR NOT (${condition}) THEN RETURN; END IF;
        PERFORM pg_promote(false);
        WHILE pg_is_in_recovery() LOOP PERFORM pg_sleep(0.005); END LOOP;
      END $$;
      SELECT NOT pg_is_in_recovery() AND (${condition})`,
      { timeoutMs: LONGEST_PROMOTION_MS },
    );
    if (rows[0]?.[0] === "t") return true;
    await sleep(20);
  }
  return false;
}

/**
 * A report on the standby may hold up the log, for as long as `max_standby_streaming_delay` allows, and so the promotion.
 * After a moment such sessions are ended: a group without a master is worse than a report that has to be run again.
 */
async function endReaders({ clock, log, server }: HookContext, ended: AbortSignal): Promise<void> {
  try {
    for (;;) {
      await clock.sleep(READERS_PATIENCE_MS, { signal: ended });
      const rows = await server.query(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE backend_type = 'client backend' AND application_name <> 'msdha hook' AND pg_is_in_recovery()
          AND (backend_xmin IS NOT NULL OR xact_start IS NOT NULL)`);
      if (rows.length > 0) log(`ended ${rows.length} sessions of readers, which held up the promotion`);
    }
  } catch {
    // The promotion is over, or its own error says more.
  }
}
