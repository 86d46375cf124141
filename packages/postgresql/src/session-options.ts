/**
 * Settings (`NAME=VALUE`) that a session of MSDHA's, or of PostgreSQL's own programs, begins with: a site's settings for the
 * database or the role must not change what it does. Some programs undo them too, but only by a first statement, which
 * `statement_timeout` may already end.
 */
export const SESSION_SETTINGS: readonly string[] = [
  "statement_timeout=0",
  "lock_timeout=0",
  "idle_in_transaction_session_timeout=0",
  "default_transaction_isolation=read committed",
  "default_transaction_read_only=off",
  "default_transaction_deferrable=off",
  "search_path=pg_catalog",
  "role=none",
  "standard_conforming_strings=on",
  "DateStyle=ISO",
];

/** Settings that only servers from a version on know: an older one refuses a session that begins with them. */
const NEWER_SETTINGS: readonly (readonly [since: number, setting: string])[] = [
  // A program may be busy for longer between two questions, as pg_rewind is with the log.
  [14, "idle_session_timeout=0"],
  [17, "transaction_timeout=0"],
];

/** Returns those of a server of this version; none where it is not known. */
export function newerSettings(version?: number): readonly string[] {
  return NEWER_SETTINGS.filter(([since]) => (version ?? 0) >= since).map(([, setting]) => setting);
}

/** Returns all of them as the options of a session with a server of this version; of any version where it is not known. */
export function sessionOptions(version?: number): string {
  const settings = [...SESSION_SETTINGS, ...newerSettings(version)];
  return settings.map((one) => `-c ${one.replaceAll(" ", "\\ ")}`).join(" ");
}

/**
 * Returns more of them for a superuser of a server of this version: a login trigger in the database must not turn away, or end, what
 * MSDHA asks. Others may not set this.
 */
export function superuserOptions(version: number): string {
  return version >= 17 ? "-c event_triggers=off" : "";
}
