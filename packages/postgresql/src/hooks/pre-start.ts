import { appendFileSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { newestBaseBackup, prepareArchive, restoreBaseBackup } from "../archive.ts";
import { checkSettings } from "../check-settings.ts";
import { type CloneNotes, clone } from "../clone.ts";
import type { HookContext } from "../context.ts";
import { wasMaster } from "../control-data.ts";
import { followMaster, heardFile } from "../follow.ts";
import { checkData } from "../identity.ts";
import { initialise } from "../initialise.ts";
import { hasData, prepareHome, preparePlace, takeIntoUse } from "../place.ts";
import { quotePgpass } from "../quoting.ts";
import { recoverCrash } from "../recover-crash.ts";
import { rejoin } from "../rejoin.ts";
import { readSecret } from "../settings.ts";
import {
  settingsFile,
  syncSettingsFile,
  writeStandbySettings,
  writeSyncSettings,
} from "../standby-settings.ts";

/** Sees to it that this node has the group's data and that the server will start as a standby. */
export async function preStart(context: HookContext): Promise<string> {
  const { env, files, settings } = context;
  checkSettings(env, settings);
  prepareArchive(context);
  prepareHome(context);
  for (const file of [plannedMark(context), standbyMark(context), heardFile(context)]) files.remove(file);
  writeSecrets(context);
  preparePlace(context);
  await obtainData(context);
  context.program("postgres");
  await checkData(context);
  if (files.exists(settingsFile(context)) && !(await wasMaster(context)))
    files.write(standbyMark(context), "");
  await rejoin(context);
  await recoverCrash(context);
  await configure(context);
  return "";
}

/** In the helper's folder: the node is being stopped as planned. */
export function plannedMark({ settings }: Pick<HookContext, "settings">): string {
  return join(settings.home, "planned");
}

/** In the helper's folder: these data were a standby's when the node last ran. */
export function standbyMark({ settings }: Pick<HookContext, "settings">): string {
  return join(settings.home, "was-standby");
}

/** Copies, since PostgreSQL refuses keys that others can read, as secrets often can be. */
function writeSecrets({ env, files, settings }: HookContext): void {
  const { home, replicator, tls } = settings;
  const password = readSecret(env, "MSDHA_PG_REPLICATION_PASSWORD");
  files.write(join(home, "pgpass"), `*:*:*:${quotePgpass(replicator)}:${quotePgpass(password)}\n`);
  if (!tls) return;
  files.write(join(home, "tls.cert"), readFileSync(tls.cert, "utf8"));
  files.write(join(home, "tls.key"), readFileSync(tls.key, "utf8"));
  if (tls.ca !== undefined) files.write(join(home, "tls.ca"), readFileSync(tls.ca, "utf8"));
}

const LOOK_MS = 100;
const ASK_AGAIN_MS = 5_000;
/** Each clone has the master make a checkpoint: what can't succeed is tried less and less often. */
const FIRST_CLONE_PAUSE_MS = 500;
const LONGEST_CLONE_PAUSE_MS = 60_000;

async function obtainData(context: HookContext): Promise<void> {
  const notes: CloneNotes = { unreachable: "", failures: 0 };
  const { clock, settings } = context;
  const began = clock.now();
  let asked: number | undefined;
  let told = false;
  while (!hasData(context)) {
    const master = context.group.master();
    if (master) {
      const failures = notes.failures;
      if (await clone(context, master, notes)) takeIntoUse(context);
      else
        await context.sleep(notes.failures === failures ? FIRST_CLONE_PAUSE_MS : clonePause(notes.failures));
      continue;
    }
    const base = newestBaseBackup(context);
    if (base !== undefined) {
      // A master has more than the archive. It may need some time to be one.
      if (clock.now() - began > 3 * settings.ttlMs && (await restoreBaseBackup(context, base))) {
        takeIntoUse(context);
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

/** Returns how long to wait after so many clones that failed. */
function clonePause(failures: number): number {
  return Math.min(FIRST_CLONE_PAUSE_MS * 2 ** (failures - 1), LONGEST_CLONE_PAUSE_MS);
}

/** Makes the next start a standby's, whatever a clone or a rewind brought along. */
async function configure(context: HookContext): Promise<void> {
  const { account, files, settings } = context;
  const { data, sync } = settings;
  files.write(join(data, "standby.signal"), "");
  const owned = ["primary_conninfo", "primary_slot_name", "recovery_target_timeline"];
  if (sync === "off") {
    files.remove(syncSettingsFile(context));
  } else {
    owned.push("synchronous_standby_names");
    writeSyncSettings(context, "sync", []);
  }
  account.act(() => {
    const auto = join(data, "postgresql.auto.conf");
    const lines = readFileSync(auto, "utf8").split("\n");
    const kept = lines.filter((line) => !owned.some((name) => line.startsWith(name)));
    if (kept.length < lines.length) {
      writeFileSync(auto, kept.join("\n"));
    }
    const own = join(data, "postgresql.conf");
    if (!/^include_if_exists = 'msdha.conf'/m.test(readFileSync(own, "utf8"))) {
      appendFileSync(own, "\ninclude_if_exists = 'msdha.conf'\n");
    }
  });
  writeStandbySettings(context, undefined);
  await followMaster(context);
}
