import { quoteSetting } from "./quoting.ts";

/** A setting of PostgreSQL that a group has. */
export interface GroupSetting {
  readonly name: string;
  readonly value: string;
}

/** MSDHA sets these itself, or rests on them. */
const OWNED = new Set(
  `
    archive_cleanup_command archive_command archive_library archive_mode cluster_name config_file data_directory external_pid_file fsync
    full_page_writes hba_file hot_standby ident_file include include_dir include_if_exists listen_addresses max_slot_wal_keep_size port
    primary_conninfo primary_slot_name promote_trigger_file recovery_end_command recovery_init_sync_method restart_after_crash
    restore_command ssl ssl_ca_file ssl_cert_file ssl_key_file synchronous_standby_names unix_socket_directories
    unix_socket_permissions wal_keep_size wal_log_hints wal_receiver_status_interval wal_retrieve_retry_interval wal_sender_timeout
  `
    .trim()
    .split(/\s+/),
);

/** Returns the settings of lines `name = value`, without empty lines and comments. Throws a `TypeError` for the first that can't be. */
export function parseSettingLines(text: string): readonly GroupSetting[] {
  const settings = new Map<string, string>();
  for (const [index, line] of text.split("\n").entries()) {
    const trimmed = line.trim();
    if (trimmed === "" || trimmed.startsWith("#")) continue;
    const [, name = "", raw = ""] = /^([A-Za-z_][\w.]*)\s*=\s*(.+)$/.exec(trimmed) ?? [];
    const value = unquote(raw);
    if (value === undefined) throw new TypeError(`line ${index + 1}: expected NAME = VALUE, got ${trimmed}`);
    const key = name.toLowerCase();
    const why = refuse(key, value);
    if (why !== undefined) throw new TypeError(`line ${index + 1}: ${why}`);
    settings.set(key, value);
  }
  return [...settings].map(([name, value]) => ({ name, value }));
}

function refuse(name: string, value: string): string | undefined {
  if (OWNED.has(name) || name.startsWith("recovery_target") || name.startsWith("msdha.")) {
    return `${name} is set by MSDHA, and can't be a setting of the group`;
  }
  if (name === "wal_level" && !["replica", "logical"].includes(value.toLowerCase())) {
    return `wal_level: expected replica or logical, got ${value}`;
  }
  return undefined;
}

/**
 * As in postgresql.conf: a word, or a text in single quotes, in which two of them are one and a backslash begins an
 * escape. A comment may follow.
 */
function unquote(raw: string): string | undefined {
  const quoted = /^'((?:[^'\\]|''|\\.)*)'\s*(#.*)?$/.exec(raw);
  if (quoted) return (quoted[1] ?? "").replace(/''|\\([0-7]{1,3}|.)/g, (_, escaped) => decodeEscape(escaped));
  return /^([^\s'"#]+)\s*(#.*)?$/.exec(raw)?.[1];
}

const ESCAPES: Readonly<Record<string, string>> = { b: "\b", f: "\f", n: "\n", r: "\r", t: "\t" };

/** Returns what is meant by what follows a backslash; without one it was two quotes. */
function decodeEscape(escaped: string | undefined): string {
  if (escaped === undefined) return "'";
  if (/^[0-7]/.test(escaped)) return String.fromCharCode(Number.parseInt(escaped, 8));
  return ESCAPES[escaped] ?? escaped;
}

/** A standby does not start with less of these than the master had whose log it replays. */
const NOT_LESS: Readonly<Record<string, string>> = {
  max_connections: "max_connections setting",
  max_worker_processes: "max_worker_processes setting",
  max_wal_senders: "max_wal_senders setting",
  max_prepared_transactions: "max_prepared_xacts setting",
  max_locks_per_transaction: "max_locks_per_xact setting",
};

/** Returns whether the control data of the data matter for a setting of this kind. */
export function restsOnControl({ name }: GroupSetting): boolean {
  return Object.hasOwn(NOT_LESS, name);
}

/** Returns the settings that data with these control data can be started with: those of this kind are not lowered. */
export function raiseToControl(
  settings: readonly GroupSetting[],
  control: ReadonlyMap<string, string>,
): { readonly settings: readonly GroupSetting[]; readonly kept: readonly GroupSetting[] } {
  const kept: GroupSetting[] = [];
  const raised = settings.map((setting) => {
    const least = Number(control.get(NOT_LESS[setting.name] ?? "") ?? 0);
    if (!(Number(setting.value) < least)) return setting;
    const one = { name: setting.name, value: String(least) };
    kept.push(one);
    return one;
  });
  return { settings: raised, kept };
}

/** Returns the lines of a file that PostgreSQL includes. */
export function formatSettingLines(settings: readonly GroupSetting[]): string {
  return settings.map(({ name, value }) => `${name} = '${quoteSetting(value)}'\n`).join("");
}
