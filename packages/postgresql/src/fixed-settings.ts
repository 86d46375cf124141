import type { Settings } from "./settings.ts";

/**
 * Settings (`NAME=VALUE`) of a running server that MSDHA's promises rest on. They are on its command line, so that ALTER SYSTEM
 * does not win over them: a server that crashed does not start again by itself as the master, a standby opens, replays all of
 * the log and follows a new timeline, and data can be rewound.
 */
export const FIXED_SETTINGS: readonly string[] = [
  "restart_after_crash=off",
  "hot_standby=on",
  "wal_log_hints=on",
  "recovery_target_timeline=latest",
  "recovery_target=",
  "recovery_target_lsn=",
  "recovery_target_name=",
  "recovery_target_time=",
  "recovery_target_xid=",
];

/** The first version without `promote_trigger_file`, by which a standby would promote itself. */
export const PROMOTE_TRIGGER_UNTIL = 16;

/** Returns the names of those, and of what `msdha.conf` sets and only a reload changes. */
export function fixedNames({ sync }: { readonly sync: "off" | "preferred" | "strict" }): readonly string[] {
  return [
    ...FIXED_SETTINGS.map((setting) => setting.replace(/=.*/, "")),
    ...["primary_conninfo", "primary_slot_name", "promote_trigger_file"],
    ...(sync === "off" ? [] : ["synchronous_standby_names"]),
  ];
}

/** Returns the names of what `msdha.conf` sets for an archive, where there is one. */
export function archiveNames({
  archive,
  archiveCommand,
  restoreCommand,
}: Pick<Settings, "archive" | "archiveCommand" | "restoreCommand">): readonly string[] {
  return [
    ...(archive !== "" || restoreCommand !== "" ? ["restore_command"] : []),
    ...(archive !== "" || archiveCommand !== ""
      ? ["archive_command", "archive_library", "archive_mode"]
      : []),
  ];
}
