import { join } from "node:path";
import { adopt } from "../adopt.ts";
import { prepareArchive } from "../base-backups.ts";
import { checkSettings } from "../check-settings.ts";
import { type CloneNotes, clone, clonePause } from "../clone.ts";
import type { HookContext } from "../context.ts";
import { wasMaster } from "../control-data.ts";

import { createDataLock, removeStaleLocks } from "../data-lock.ts";
import { checkedEndFile } from "../early-check.ts";
import { archiveNames, fixedNames } from "../fixed-settings.ts";
import { eligibilityFile, followMaster } from "../follow.ts";
import { writeGroupSettings } from "../group-settings.ts";
import { checkData } from "../identity.ts";
import { initialise } from "../initialise.ts";
import { refuseLeftLabel } from "../left-label.ts";
import { answerOf } from "../local-server.ts";
import { checkLogPlace, placeLog } from "../log-place.ts";
import { checkLogicalSlots } from "../logical-slots.ts";
import { refuseOtherServer } from "../other-server.ts";
import { chooseTimeline } from "../own-timeline.ts";
import { clearPlace, hasData, prepareHome, preparePlace, setAside, takeIntoUse } from "../place.ts";
import { recoverCrash } from "../recover-crash.ts";
import { removeAutoSettings } from "../recovery-settings.ts";
import { rejoin } from "../rejoin.ts";
import { type BackupSource, findBackup, restoreBackup } from "../restore-backup.ts";
import { writeSecrets } from "../secrets.ts";
import { includeSettings } from "../settings-include.ts";
import { checkSiteArgs } from "../site-args.ts";
import {
  settingsFile,
  syncSettingsFile,
  writeStandbySettings,
  writeSyncSettings,
} from "../standby-settings.ts";
import { whyNoTablespaces } from "../tablespaces.ts";

/** Sees to it that this node has the group's data and that the server will start as a standby. */
export async function preStart(context: HookContext): Promise<string> {
  const { env, files, settings } = context;
  checkSettings(env, settings);
  prepareArchive(context);
  checkLogPlace(context);
  await checkLogicalSlots(context);
  prepareHome(context);
  await checkSiteArgs(context);
  for (const file of [
    plannedMark(context),
    standbyMark(context),
    eligibilityFile(context),
    checkedEndFile(context),
  ])
    files.remove(file);
  writeSecrets(context);
  await preparePlace(context);
  using lock = createDataLock(context);
  // The lock of the data first: where a server works in them, the error says that, and not that another node prepares them.
  if (hasData(context)) await lock.add(settings.data);
  await lock.addPlace();
  const hadData = hasData(context);
  if (!hadData) {
    await clearPlace(context);
    await obtainData(lock.context);
  }
  if (!lock.coversData) await lock.add(settings.data);
  await prepareData(lock.context, hadData);
  await lock.release();
  return "";
}

/** Makes data that are there, and locked, the ones that the server will start with. */
async function prepareData(context: HookContext, hadData: boolean): Promise<void> {
  const { env, files } = context;
  if (hadData && files.exists(settingsFile(context))) {
    await refuseOtherServer(context);
    refuseLeftLabel(context);
  }
  // In data that no node has had, the lock may be that of a server of another image, which knows nothing of ours.
  if (hadData && files.exists(settingsFile(context))) removeStaleLocks(context);
  if (hadData && env["MSDHA_REINIT"] === "1") await cloneAnew(context);
  context.program("postgres");
  await checkData(context);
  if (hadData) await adopt(context);
  if (files.exists(settingsFile(context)) && !(await wasMaster(context)))
    files.write(standbyMark(context), "");
  // Before anything recovers these data: their log is to be archived, too.
  removeOverrides(context);
  await rejoin(context);
  await placeLog(context);
  await writeGroupSettings(context);
  await recoverCrash(context);
  await configure(context);
  await chooseTimeline(context);
}

/** In the helper's folder: the node is being stopped as planned. */
export function plannedMark({ settings }: Pick<HookContext, "settings">): string {
  return join(settings.home, "planned");
}

/** In the helper's folder: these data were a standby's when the node last ran. */
export function standbyMark({ settings }: Pick<HookContext, "settings">): string {
  return join(settings.home, "was-standby");
}

const LOOK_MS = 100;
const ASK_AGAIN_MS = 5_000;

async function obtainData(context: HookContext): Promise<void> {
  const notes: CloneNotes = { unreachable: "", failures: 0 };
  const { clock, settings } = context;
  const began = clock.now();
  let asked: number | undefined;
  let backup: BackupSource | undefined;
  let lookedForBackup = Number.NEGATIVE_INFINITY;
  let told = false;
  using _ = context.activity.begin("waiting for data to clone");
  while (!hasData(context)) {
    const master = context.group.master();
    if (master) {
      if (await clone(context, master, notes)) await takeIntoUse(context);
      else await context.sleep(clonePause(notes));
      continue;
    }
    if (!backup && clock.now() - lookedForBackup >= ASK_AGAIN_MS) {
      lookedForBackup = clock.now();
      backup = await findBackup(context);
    }
    if (backup) {
      // A master has more than the archive. It may need some time to be one.
      if (clock.now() - began > 3 * settings.ttlMs && (await restoreBackup(context, backup))) {
        await takeIntoUse(context);
        continue;
      }
    } else if (asked !== Number.POSITIVE_INFINITY && clock.now() - (asked ?? -ASK_AGAIN_MS) >= ASK_AGAIN_MS) {
      // Asked again every few seconds: the node that won may be gone.
      asked = clock.now();
      if (await context.store.claimWhileAlive("postgresql-initdb", settings.name)) {
        if (await initialise(context)) return;
        asked = Number.POSITIVE_INFINITY;
      } else if (!told) {
        told = true;
        context.log("waiting for a master to clone the data from: another node initialises them");
      }
    }
    await context.group.change(LOOK_MS, context.signal);
  }
}

/** An operator asks for new data. The old ones give way when a clone is there, whole; without a master they stay. */
async function cloneAnew(context: HookContext): Promise<void> {
  const notes: CloneNotes = { unreachable: "", failures: 0 };
  for (let master = context.group.master(); master; master = context.group.master()) {
    const why = await answerOf(whyNoTablespaces(context, context.peer(master.address)));
    if (why !== undefined) {
      context.log(`an operator asks for new data, but ${why}. The old data stay in use`);
      return;
    }
    context.log(`an operator asks that the data are cloned anew from ${master.name}`);
    if (await clone(context, master, notes)) {
      setAside(context);
      await takeIntoUse(context);
      return;
    }
    await context.sleep(clonePause(notes));
  }
  context.log("an operator asks for new data, but there is no master to clone them from: the old ones stay");
}

/** Makes the next start a standby's, whatever a clone or a rewind brought along. */
async function configure(context: HookContext): Promise<void> {
  const { files, settings } = context;
  const { data, sync } = settings;
  files.write(join(data, "standby.signal"), "");
  if (sync === "off") files.remove(syncSettingsFile(context));
  else writeSyncSettings(context, 1, []);
  removeOverrides(context);
  includeSettings(context);
  writeStandbySettings(context, undefined);
  await followMaster(context);
}

/** They would win over `msdha.conf`. A tool that restored these data may have left its own; others are an operator's (ALTER SYSTEM). */
function removeOverrides(context: HookContext): void {
  const { data } = context.settings;
  const names = [...fixedNames(context.settings), ...archiveNames(context.settings)];
  const removed = removeAutoSettings(context, data, names);
  if (removed.length > 0) {
    context.log(`removed from postgresql.auto.conf, since MSDHA sets it itself: ${removed.join(", ")}`);
  }
}
