import type { HookContext } from "../context.ts";
import { answerOf } from "../local-server.ts";
import { quoteSql } from "../quoting.ts";
import { plannedMark } from "./pre-start.ts";

const LOOK_MS = 20;

/**
 * Before anything of a planned stop is visible: a checkpoint, so that the server's own is short, and the time that a
 * standby needs to catch up. Both are bounded.
 */
export async function preStop(context: HookContext): Promise<string> {
  const { clock, files, group, server, settings } = context;
  files.write(plannedMark(context), "");
  if (!group.isMaster()) return "";
  // Whom `stopped` asks.
  const noted = context.store.nodes().then(
    (nodes) => files.write(nodesFile(context), JSON.stringify(nodes)),
    (error: unknown) => context.log(String(error)),
  );
  // Past the time only the waiting ends, not the checkpoint.
  await answerOf(server.query("CHECKPOINT", { timeoutMs: settings.checkpointTimeoutMs }));
  const target = await answerOf(server.value("SELECT pg_current_wal_flush_lsn()"));
  const until = clock.now() + settings.stopWaitMs;
  while (target && clock.now() < until) {
    // A standby that is gone is not waited for.
    const reached = await answerOf(
      server.value(`SELECT coalesce(max(flush_lsn) >= '${target}', true) FROM pg_stat_replication
        WHERE usename = '${quoteSql(settings.replicator)}'`),
    );
    if (reached !== "f") break;
    await context.sleep(LOOK_MS);
  }
  await noted;
  return "";
}

/** The group's nodes when the stop began. */
export function nodesFile({ settings }: Pick<HookContext, "settings">): string {
  return `${settings.home}/nodes`;
}
