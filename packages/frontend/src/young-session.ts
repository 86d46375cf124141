import type { SessionProgress } from "@msdha/haproxy-config";

/** A session that had just begun when its master began to stop. Times are in ms on the clock. */
export interface YoungSession {
  readonly id: string;
  readonly bytes: { readonly sent: number; readonly answered: number };
  /** When it was first looked at, and when its bytes were last seen to change. */
  readonly since: number;
  readonly changedAt: number;
  /** The longest time between two changes that were seen. */
  readonly longestGapMs: number;
  /** How many looks in a row have seen no change. */
  readonly quietLooks: number;
}

/** A session is at rest after so long a silence, and after twice its longest gap: a slow login is not over in a pause. */
const QUIET_MS = 30;
const QUIET_GAPS = 2;
/** On a machine that is short of processor time, looks come late: silence between two of them says little. */
const QUIET_LOOKS = 2;
/** A client that has said nothing, to a server that has said nothing, may do so for ever. */
const SILENT_MS = 300;

export function beginWatching(id: string, { sent, answered }: SessionProgress, now: number): YoungSession {
  return {
    id,
    bytes: { sent, answered },
    since: now,
    changedAt: now,
    longestGapMs: 0,
    quietLooks: 0,
  };
}

export function lookAgain(
  before: YoungSession,
  { sent, answered }: SessionProgress,
  now: number,
): YoungSession {
  if (sent === before.bytes.sent && answered === before.bytes.answered)
    return { ...before, quietLooks: before.quietLooks + 1 };
  return {
    ...before,
    bytes: { sent, answered },
    changedAt: now,
    longestGapMs: Math.max(before.longestGapMs, now - before.changedAt),
    quietLooks: 0,
  };
}

/** Whether a session has had its first answers: it got some, and then nothing was said for a while. */
export function isAtRest(
  { bytes, since, changedAt, longestGapMs, quietLooks }: YoungSession,
  now: number,
): boolean {
  if (bytes.sent === 0 && bytes.answered === 0) return now - since >= SILENT_MS;
  if (bytes.answered === 0) return false;
  return quietLooks >= QUIET_LOOKS && now - changedAt >= Math.max(QUIET_MS, QUIET_GAPS * longestGapMs);
}
