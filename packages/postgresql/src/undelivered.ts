import type { HookContext } from "./context.ts";
import { answerOf } from "./local-server.ts";
import { WAITS_FOR_LOG_SQL } from "./position.ts";
import { FIRST_LOOK_MS } from "./standby-health.ts";

/**
 * Resolves with whether the archive does not deliver the log that this standby needs next, at `place`, and the master has no more: for
 * MSDHA_PG_STREAM_PATIENCE the server has not got further, although it asks the restore command every second. An archive that
 * does not work for so long looks the same, and may deliver later: without MSDHA_PG_RECLONE the answer is no, and the log says so.
 */
export async function isUndelivered(
  { log, logWait, run, server, settings }: HookContext,
  master: string,
  place: string,
): Promise<boolean> {
  const patienceMs = Math.max(settings.streamPatienceMs, FIRST_LOOK_MS);
  if (logWait.at(place) < patienceMs) return false;
  // It has just asked all sources in vain, and is neither restoring a file nor replaying one.
  if ((await answerOf(server.value(`SELECT ${WAITS_FOR_LOG_SQL}`))) !== "t") return false;
  // A folder that is not mounted.
  if (settings.archive !== "" && (await run(["test", "-d", `${settings.archive}/wal`])).code !== 0)
    return false;
  if (settings.reclone) return true;
  if (logWait.isNew()) {
    log(
      `${master} has removed log that this standby still needs, and the archive has not delivered it for ${patienceMs / 1_000} s: ` +
        "waiting for it. With MSDHA_PG_RECLONE=yes the data are cloned anew",
    );
  }
  return false;
}
