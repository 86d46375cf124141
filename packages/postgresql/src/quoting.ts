/** Returns text for use between single quotes in SQL (`standard_conforming_strings` is on). */
export function quoteSql(text: string): string {
  return text.replaceAll("'", "''");
}

/** Returns text for use between single quotes in a settings file, where a backslash begins an escape. */
export function quoteSetting(text: string): string {
  return text.replaceAll("\\", "\\\\").replaceAll("'", "''").replaceAll("\n", "\\n");
}

/** Returns text for use between single quotes in a connection string of libpq. */
export function quoteConninfo(text: string): string {
  return text.replace(/[\\']/g, "\\$&");
}

/** Returns text for use as a field of a password file. */
export function quotePgpass(text: string): string {
  return text.replace(/[:\\]/g, "\\$&");
}

/** Returns a word for a POSIX shell. */
export function quoteShell(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
