const SETTINGS = [
  ["statement_timeout", "0"],
  ["lock_timeout", "0"],
  ["idle_in_transaction_session_timeout", "0"],
  ["default_transaction_isolation", "read\\ committed"],
  ["default_transaction_read_only", "off"],
  ["default_transaction_deferrable", "off"],
  ["search_path", "pg_catalog"],
  ["standard_conforming_strings", "on"],
  ["DateStyle", "ISO"],
] as const;

/**
 * What a session of MSDHA's, or of PostgreSQL's own programs, begins with: a site's settings for the database or the role must not
 * change what it does. Some programs undo them too, but only by a first statement, which `statement_timeout` may already end.
 */
export const SESSION_OPTIONS: string = SETTINGS.map(([name, value]) => `-c ${name}=${value}`).join(" ");
