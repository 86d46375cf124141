import type { HookContext } from "./context.ts";
import type { Master } from "./current-master.ts";
import { messageOf } from "./failure.ts";
import { type Followed, followMaster } from "./follow.ts";
import { answerOf } from "./local-server.ts";
import { slotOf } from "./names.ts";
import { describeCannotFollow, whyItCannotFollow } from "./parted.ts";
import { leaveMark } from "./rejoin-mark.ts";
import { judgeStandby } from "./standby-health.ts";
import { settingsFile } from "./standby-settings.ts";
import { streamFrom } from "./stream-from.ts";

/** Looks after a standby that is `ready`: one that receives nothing must not stay so. */
export interface StandbyWatch {
  /** Called every few seconds. Ends the server of a standby that can't follow, or has not streamed for too long. */
  look(context: HookContext): Promise<void>;
}

/** Only the helper writes them, when the master changes or nothing comes in: they are read at once then. */
const SETTINGS_MS = 60_000;

/** Makes one. It remembers since when this node receives nothing, and what it has logged. */
export function createStandbyWatch(): StandbyWatch {
  let silentSince: number | undefined;
  let master: Master | undefined;
  let logged = false;
  let paused = false;
  let settingsReadAt = Number.NEGATIVE_INFINITY;

  function forget(): void {
    silentSince = undefined;
    logged = false;
  }

  /** Asks for a slot where the settings name none. */
  async function lookForSlot(context: HookContext): Promise<void> {
    const { clock, files, settings } = context;
    if (settings.slotKeep === "0" || clock.now() - settingsReadAt < SETTINGS_MS) return;
    if (namesNoSlot(files.read(settingsFile(context)) ?? "")) await askForSlot(context);
    else settingsReadAt = clock.now();
  }

  function lookAtReplay({ log }: HookContext, isPaused: boolean): void {
    if (paused === isPaused) return;
    paused = isPaused;
    log(
      paused
        ? "the replay of the log is paused (by pg_wal_replay_pause, or a setting lower than the master's): this node is no candidate until it goes on"
        : "the replay of the log goes on: this node may be a candidate again",
    );
  }

  async function lookAtSilence(context: HookContext, from: Master, silentMs: number): Promise<void> {
    const { group, log, server, settings } = context;
    const action = judgeStandby(silentMs, settings.streamPatienceMs);
    if (action === "nothing") return;
    const { mark, followed, why } = await findReason(context, from, logged);
    // The time of this master may have ended meanwhile: then nothing is wrong with this node.
    if (group.master()?.address !== from.address) return;
    if (mark) {
      leaveMark(context, mark);
      log(describeCannotFollow(mark, from.name));
      server.stop();
      return;
    }
    if (followed === "written") server.reload();
    if (!logged) log(`receives no log from ${from.name} (${from.address}): ${why}`);
    logged = true;
    if (action !== "end") return;
    log(
      `has received no log from ${from.name} for ${Math.round(silentMs / 1_000)} s (MSDHA_PG_STREAM_PATIENCE): ending, ` +
        "as it is not ready. The next start waits until it streams",
    );
    server.stop();
  }

  return {
    async look(context) {
      const { clock, env, files, group, log } = context;
      const current = group.master();
      const isStandby = env["MSDHA_STATE"] === "ready" && !group.isMaster() && current !== undefined;
      if (!isStandby) settingsReadAt = Number.NEGATIVE_INFINITY;
      if (!isStandby) return forget();
      if (master?.address !== current.address) {
        forget();
        settingsReadAt = Number.NEGATIVE_INFINITY;
      }
      master = current;
      const seen = await ask(context, current);
      if (seen) lookAtReplay(context, seen.paused);
      if (seen?.receives) {
        if (logged) log(`receives the log from ${current.name} again`);
        await lookForSlot(context);
        return forget();
      }
      settingsReadAt = Number.NEGATIVE_INFINITY;
      if (!files.exists(settingsFile(context))) return forget();
      silentSince ??= clock.now();
      await lookAtSilence(context, current, clock.now() - silentSince);
    },
  };
}

/** Resolves with whether the replay is paused, and whether the log comes in; undefined where the server does not answer. */
async function ask(
  { server, settings }: HookContext,
  { address }: Master,
): Promise<{ readonly paused: boolean; readonly receives: boolean } | undefined> {
  const rows = await answerOf(
    server.query(
      `SELECT pg_is_in_recovery() AND pg_is_wal_replay_paused(), (SELECT count(*) ${streamFrom(address, settings)})`,
    ),
  );
  return rows && { paused: rows[0]?.[0] === "t", receives: rows[0]?.[1] === "1" };
}

/**
 * Asks the master again for a slot that it could not make: without one it may remove log that this standby still needs. Where a commit
 * has to be on several standbys, one without a slot does not count either.
 */
async function askForSlot(context: HookContext): Promise<void> {
  const { files, log, server, settings } = context;
  if ((await followMaster(context, { again: true })) !== "written") return;
  if (namesNoSlot(files.read(settingsFile(context)) ?? "")) return;
  const counts =
    settings.sync === "off" || settings.syncNodes === 1 ? "" : ", and so counts as a synchronous standby";
  log(`has a replication slot on the master now${counts}`);
  server.reload();
}

function namesNoSlot(text: string): boolean {
  return /^primary_slot_name = ''$/m.test(text);
}

/** What was found out about a standby that receives nothing. */
interface Reason {
  /** It can't ever follow that master as it is. */
  readonly mark: "parted" | "beyond" | "missed" | undefined;
  readonly followed: Followed | undefined;
  /** For the log. */
  readonly why: string;
}

/** Has this node follow the master anew (its slot there may be gone), and finds out why that does not help. */
async function findReason(context: HookContext, master: Master, logged: boolean): Promise<Reason> {
  try {
    const followed = await followMaster(context, { again: true, toldUnknown: { told: logged } });
    if (followed === "parted") return { mark: "parted", followed, why: "" };
    const mark = await whyItCannotFollow(context, context.peer(master.address));
    return { mark, followed, why: mark || logged ? "" : await whyNothingComes(context, master) };
  } catch (error) {
    // Credentials that are refused, say. What no waiting mends does not make this node ready.
    return { mark: undefined, followed: undefined, why: messageOf(error) };
  }
}

async function whyNothingComes(context: HookContext, { address, name }: Master): Promise<string> {
  const { settings } = context;
  try {
    const slot = await context
      .peer(address)
      .value(`SELECT wal_status FROM pg_replication_slots WHERE slot_name = '${slotOf(settings.name)}'`);
    if (slot === "lost") return "this node's slot there is lost (MSDHA_PG_SLOT_KEEP)";
    return `${name} answers; the server's own log tells more`;
  } catch (error) {
    return messageOf(error);
  }
}
