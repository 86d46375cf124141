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

/** The first version that knows `transaction_timeout`: an older server refuses a session that begins with it. */
export const TRANSACTION_TIMEOUT_SINCE = 17;

/** Returns them as the options of a session with a server of this version; of any version where it is not known. */
export function sessionOptions(version?: number): string {
  const newer = (version ?? 0) >= TRANSACTION_TIMEOUT_SINCE ? ["transaction_timeout=0"] : [];
  return [...SESSION_SETTINGS, ...newer].map((one) => `-c ${one.replaceAll(" ", "\\ ")}`).join(" ");
}
