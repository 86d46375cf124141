import { spawn } from "node:child_process";
import { join } from "node:path";
import { openCandidate } from "../acknowledged.ts";
import { archiveRest } from "../archive-rest.ts";
import type { Backups } from "../backups.ts";
import type { HookContext } from "../context.ts";
import { fail, messageOf } from "../failure.ts";
import type { Keeper } from "../keeper.ts";
import { readMasterPosition } from "../little-lag.ts";
import { answerOf } from "../local-server.ts";
import { noteLoss } from "../losses.ts";
import { promoteServer } from "../promote-server.ts";
import { promoteInSync } from "../promotion.ts";
import { incompleteMark, masterMark, writeSyncSettings } from "../standby-settings.ts";
import { describeRecord } from "../synchronous-master.ts";
import { namesDuringPromotion, STANDBYS_OVERRIDDEN } from "../synchronous-server.ts";

const LONGEST_CHECKPOINT_MS = 3_600_000;
const CHECKPOINT_PAUSE_MS = 500;
const LONGEST_LIST_MS = 5_000;

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
    keepOn(later);
    // At once: the checkpoint at the end of the promotion removes log. An archive that hangs must not hold up the next one.
    const listed = archiveRest(later).catch((error: unknown) => later.log(messageOf(error)));
    await Promise.race([listed, later.sleep(LONGEST_LIST_MS)]);
    // Whoever has to rewind reads the new timeline from the control file, which the next checkpoint writes; the clients
    // that have waited for a master come first.
    await later.sleep(CHECKPOINT_PAUSE_MS);
    await answerOf(later.server.query("CHECKPOINT", { timeoutMs: LONGEST_CHECKPOINT_MS }));
    await noteLoss(later);
    await backups.make(later);
  });
  return "";
}

/**
 * Starts what asks for the rounds of a master. It is no child of this helper: it outlives it, and starts another one then. As an orphan it
 * is asked to end together with the helper.
 */
function keepOn({ env, scripts, settings }: HookContext): void {
  const command = ["-c", '"$0" "$1" &', join(scripts, "keep-on.sh"), settings.runDir];
  const child = spawn("sh", command, {
    env: { ...env },
    detached: true,
    stdio: ["ignore", "inherit", "inherit"],
  });
  // Without it the `alive` hook goes on with the rounds.
  child.on("error", (error) =>
    process.stderr.write(`the rounds of this master are late: ${error.message}\n`),
  );
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
  // The helper that was asked for the candidacy, and knew it, may be gone. This node has not put its own yet.
  const former = context.formerMaster.position ?? readMasterPosition(context).catch(() => undefined);
  context.files.remove(incompleteMark(context));
  if (!(await promoteServer(context, "true"))) fail("the server could not be promoted");
  await told;
  context.formerMaster.position = await former;
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
      if (!(await promoteServer(context, condition))) fail(STANDBYS_OVERRIDDEN);
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
