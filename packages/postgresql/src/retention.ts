/** Returns when a base backup was finished, by its label `TIMELINE-YYYYMMDDTHHMMSSZ`; NaN for anything else. */
export function backupTime(label: string): number {
  const match = /^[0-9A-F]{8}-(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(label);
  if (!match) return Number.NaN;
  const [, year, month, day, hour, minute, second] = match.map(Number);
  return Date.UTC(year ?? 0, (month ?? 1) - 1, day, hour, minute, second);
}

/**
 * Returns the base backups that are of no use any more. What stays leads to every moment of the last `keepMs`: all backups
 * of that time, and the newest one before it. The newest `keep` stay in any case. A folder with another name stays too.
 */
export function expiredBackups(
  labels: readonly string[],
  { now, keep, keepMs }: { readonly now: number; readonly keep: number; readonly keepMs: number },
): readonly string[] {
  const backups = labels
    .filter((label) => !Number.isNaN(backupTime(label)))
    .sort((one, other) => backupTime(one) - backupTime(other));
  const old = backups.filter((label) => backupTime(label) <= now - keepMs);
  const needed = new Set([...old.slice(-1), ...backups.slice(-keep)]);
  return old.filter((label) => !needed.has(label));
}
