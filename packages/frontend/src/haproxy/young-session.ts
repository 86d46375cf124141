import type { SessionProgress } from "@msdha/haproxy-config";

/** A session that had just begun when its master began to stop. Times are in ms on the clock. */
export interface YoungSession {
  readonly id: string;
  readonly bytes: { readonly sent: number; readonly answered: number };
  /** When it was first looked at, and when its bytes were last seen to change. */
  readonly since: number;
  readonly changedAt: number;
  /** Whether the client has said something that the server has not answered yet. */
  readonly owed: boolean;
  /** The longest time between two changes that were seen. */
  readonly longestGapMs: number;
  /** How many looks in a row have seen no change. */
  readonly quietLooks: number;
  /** How many looks have seen a change. */
  readonly changes: number;
}

/**
 * A session is at rest after so long a silence of its client, and after twice its longest gap: a slow login is not over in
 * a pause. Where processes wait for a processor, as many times longer as there are processes for each.
 */
const QUIET_MS = 40;
const QUIET_GAPS = 2;
const QUIET_LOOKS = 2;
/** A login and a first row take a dozen messages; who has been seen to talk for longer goes on, and is no beginner. */
const BEGINNERS_CHANGES = 20;
/** A client that has said nothing, to a server that has said nothing, may do so for ever. */
const SILENT_MS = 200;

export function beginWatching(id: string, { sent, answered }: SessionProgress, now: number): YoungSession {
  return {
    id,
    bytes: { sent, answered },
    since: now,
    changedAt: now,
    owed: sent > 0 && answered === 0,
    longestGapMs: 0,
    quietLooks: 0,
    changes: 0,
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
    owed: answered === before.bytes.answered,
    longestGapMs: Math.max(before.longestGapMs, now - before.changedAt),
    quietLooks: 0,
    changes: before.changes + 1,
  };
}

/**
 * Whether a session has had its first answers: the server owes none, and the client was silent for a while, or it talks on
 * and on. `strain` is
 * how many processes there are for each processor, 1 at least.
 */
export function isAtRest(
  { bytes, since, changedAt, owed, longestGapMs, quietLooks, changes }: YoungSession,
  now: number,
  strain: number,
): boolean {
  if (bytes.sent === 0 && bytes.answered === 0) return now - since >= SILENT_MS * strain;
  if (changes >= BEGINNERS_CHANGES) return true;
  if (owed) return false;
  return (
    quietLooks >= QUIET_LOOKS && now - changedAt >= Math.max(QUIET_MS * strain, QUIET_GAPS * longestGapMs)
  );
}
