import { conninfo } from "./conninfo.ts";
import type { HookContext } from "./context.ts";
import { logicalSlotSettings } from "./logical-slots.ts";
import { applicationName } from "./names.ts";
import { standbyNames } from "./quorum.ts";
import { quoteSetting } from "./quoting.ts";

/** What the helper writes into the data directory. */
export function settingsFile({ settings }: Pick<HookContext, "settings">): string {
  return `${settings.data}/msdha.conf`;
}

/** Who the master's commits wait for. */
export function syncSettingsFile({ settings }: Pick<HookContext, "settings">): string {
  return `${settings.data}/msdha-sync.conf`;
}

/** The settings that the operator has for the whole group. */
export function groupSettingsFile({ settings }: Pick<HookContext, "settings">): string {
  return `${settings.data}/msdha-group.conf`;
}

/** In data of a master: whose they are. */
export function masterMark({ settings }: Pick<HookContext, "settings">): string {
  return `${settings.data}/msdha.master`;
}

/** In data that came from an archive, until they have streamed from a master: they lack what was not archived. */
export function incompleteMark({ settings }: Pick<HookContext, "settings">): string {
  return `${settings.data}/msdha.incomplete`;
}

/** Writes `msdha.conf` for a master to follow; for nobody without one. */
export function writeStandbySettings(
  context: HookContext,
  master: { readonly address: string; readonly slot: string } | undefined,
): void {
  context.files.write(settingsFile(context), standbySettings(context, master));
}

/** Writes whom commits wait for; the server reads it at its next reload. */
export function writeSyncSettings(context: HookContext, needed: number, standbys: readonly string[]): string {
  const names = standbyNames(needed, standbys);
  context.files.write(syncSettingsFile(context), `synchronous_standby_names = '${names}'\n`);
  return names;
}

function standbySettings(
  context: HookContext,
  master: { readonly address: string; readonly slot: string } | undefined,
): string {
  const { settings, member, files } = context;
  const address = master?.address ?? "";
  const standby = applicationName(member, settings, master?.slot ?? "");
  const primary = master ? conninfo(settings, address, { standby }) : "";
  const version = Number.parseInt(files.read(`${settings.data}/PG_VERSION`) ?? "", 10);
  return [
    `# Follows: ${address}`,
    "# Written by MSDHA whenever the master changes. Do not edit: put your settings into postgresql.conf.",
    // Before MSDHA's own: the last value counts.
    "include_if_exists = 'msdha-group.conf'",
    `primary_conninfo = '${quoteSetting(primary)}'`,
    `msdha.follows = '${quoteSetting(address)}'`,
    `primary_slot_name = '${master?.slot ?? ""}'`,
    "recovery_target_timeline = 'latest'",
    "hot_standby = on",
    "wal_log_hints = on",
    `wal_keep_size = '${settings.walKeep}'`,
    `max_slot_wal_keep_size = '${settings.slotKeep}'`,
    "restart_after_crash = off",
    // Before it recovers, a server writes all its data out: the file system at once, not one file after another.
    ...(version >= 14 ? ["recovery_init_sync_method = 'syncfs'"] : []),
    ...logicalSlotSettings(context),
    ...archiveSettings(context),
    ...(settings.sync === "off" ? [] : ["include_if_exists = 'msdha-sync.conf'"]),
    "",
  ].join("\n");
}

function archiveSettings({ settings, scripts }: HookContext): readonly string[] {
  const { archive, archiveCommand, restoreCommand } = settings;
  if (archive === "") {
    return [
      ...(archiveCommand === ""
        ? []
        : ["archive_mode = on", `archive_command = '${quoteSetting(archiveCommand)}'`]),
      ...(restoreCommand === "" ? [] : [`restore_command = '${quoteSetting(restoreCommand)}'`]),
    ];
  }
  return [
    "archive_mode = on",
    `archive_command = 'sh "${scripts}/archive-wal.sh" "${archive}/wal" "%p" "%f"'`,
    `restore_command = 'sh "${scripts}/restore-wal.sh" "${archive}/wal" "%p" "%f"'`,
  ];
}

/** Returns the address that `msdha.conf` names; empty for nobody. */
export function followedAddress(context: HookContext): string {
  const line = context.files.read(settingsFile(context))?.split("\n", 1)[0] ?? "";
  return /^# Follows: (.*)$/.exec(line)?.[1] ?? "";
}
