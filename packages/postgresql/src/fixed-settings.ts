import type { Settings } from "./settings.ts";

/** Settings (`NAME=VALUE`) that are the same on every node. */
const FIXED: readonly string[] = [
  "restart_after_crash=off",
  "hot_standby=on",
  "wal_log_hints=on",
  "recovery_target_timeline=latest",
  "recovery_target=",
  "recovery_target_lsn=",
  "recovery_target_name=",
  "recovery_target_time=",
  "recovery_target_xid=",
  // With 0 a standby whose replay is held up says nothing of what it has on its disk, and commits wait for it.
  "wal_receiver_status_interval=10s",
  // How long a standby waits before it connects to a new master, or again.
  "wal_retrieve_retry_interval=1s",
];

/**
 * Returns settings (`NAME=VALUE`) of a running server that MSDHA's promises rest on. They are on its command line, so that ALTER SYSTEM
 * does not win over them: a server that crashed does not start again by itself as the master, a standby opens, replays all of
 * the log, follows a new timeline and says what it has, data can be rewound, and a master that has nothing to send says so as often as
 * its standbys expect.
 */
export function fixedSettings({
  walSenderTimeoutMs,
}: Pick<Settings, "walSenderTimeoutMs">): readonly string[] {
  return [...FIXED, `wal_sender_timeout=${walSenderTimeoutMs}`];
}

/** The first version without `promote_trigger_file`, by which a standby would promote itself. */
export const PROMOTE_TRIGGER_UNTIL = 16;

/** Returns the names of those, and of what `msdha.conf` sets and only a reload changes. */
export function fixedNames(settings: Pick<Settings, "sync" | "walSenderTimeoutMs">): readonly string[] {
  return [
    ...fixedSettings(settings).map((setting) => setting.replace(/=.*/, "")),
    ...["primary_conninfo", "primary_slot_name", "promote_trigger_file"],
    ...(settings.sync === "off" ? [] : ["synchronous_standby_names"]),
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
