import type { GroupNode } from "../backend-command.ts";
import type { HookContext } from "../context.ts";
import { checkEarly, checkedEndFile } from "../early-check.ts";
import { nodesFile } from "../end-check.ts";
import { messageOf } from "../failure.ts";
import { answerOf } from "../local-server.ts";
import { type Lsn, parseLsn } from "../lsn.ts";
import { isNeverPromoted, memberOf, neverPromoted } from "../names.ts";
import { describeBehind, logShutdown, standbysBehind } from "../stop-progress.ts";
import type { BackgroundWork } from "./master.ts";
import { plannedMark } from "./pre-start.ts";

const LOOK_MS = 20;
const FIRST_LINE_MS = 1_000;
const PAUSE_MS = 10_000;

/**
 * Before anything of a planned stop is visible: a checkpoint, so that the server's own is short, and the time that a
 * standby needs to catch up. Both are bounded. The server sends what is left when it shuts down; `background` logs that.
 */
export async function preStop(
  context: HookContext,
  background: (work: BackgroundWork) => void,
): Promise<string> {
  const { files, group, server, settings } = context;
  // Without it `stopped` does not know whom to ask.
  files.remove(nodesFile(context));
  files.remove(checkedEndFile(context));
  files.write(plannedMark(context), "");
  if (!group.isMaster()) return "";
  // Whom `stopped` asks.
  const noted = Promise.all([context.store.nodes(), standbysBehind(context, 0n)]).then(
    ([nodes, standbys]) => {
      const never = new Set(standbys?.map(({ name }) => name).filter(isNeverPromoted));
      const heirs = nodes.filter(({ name }) => !never.has(neverPromoted(memberOf(name))));
      files.write(nodesFile(context), JSON.stringify(heirs));
      return nodes;
    },
    (error: unknown): readonly GroupNode[] => {
      context.log(messageOf(error));
      return [];
    },
  );
  // Past the time only the waiting ends, not the checkpoint. A limit of 0 would be none.
  await answerOf(server.query("CHECKPOINT", { timeoutMs: Math.max(settings.checkpointTimeoutMs, 1) }));
  const position = await answerOf(server.value("SELECT pg_current_wal_flush_lsn()"));
  if (position) await waitForStandby(context, parseLsn(position));
  const nodes = await noted;
  const token = context.env["MSDHA_FENCING_TOKEN"];
  if (token) background(async (later) => await checkEarly(later, nodes, token));
  if (position) background((later) => logShutdown(later, parseLsn(position), nodes));
  return "";
}

/** Resolves when a standby has everything, when none is connected, or when the time is over. */
async function waitForStandby(context: HookContext, target: Lsn): Promise<void> {
  const { clock, log, settings } = context;
  const began = clock.now();
  for (let next = began + FIRST_LINE_MS; ; ) {
    const standbys = (await standbysBehind(context, target))?.filter(({ name }) => !isNeverPromoted(name));
    // A standby that is gone is not waited for.
    if (!standbys || standbys.length === 0 || standbys.some(({ bytes }) => bytes <= 0)) return;
    const waitedMs = clock.now() - began;
    if (waitedMs >= settings.stopWaitMs) {
      log(
        `no standby has everything after ${settings.stopWaitMs / 1_000} s (MSDHA_PG_STOP_WAIT): ${describeBehind(standbys)}. ` +
          "The server stops now, and sends the rest before it ends",
      );
      return;
    }
    if (clock.now() >= next) {
      log(`waiting for a standby to have everything: ${describeBehind(standbys)}`);
      next = clock.now() + PAUSE_MS;
    }
    await context.sleep(LOOK_MS);
  }
}
