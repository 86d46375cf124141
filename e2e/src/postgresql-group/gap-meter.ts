/** What clients saw in a stretch of time. */
export interface Stretch {
  /** The longest time, in ms, that any of the clients went without an acknowledged row. */
  readonly gapMs: number;
  readonly acknowledgedRows: number;
  /** Attempts to connect that failed before there was a session. */
  readonly refusedConnections: number;
  /** Sessions that broke, or whose row was refused. */
  readonly brokenSessions: number;
  /** What the refused ones were told, and how often. */
  readonly refusals: Readonly<Record<string, number>>;
}

/** Measures the time between acknowledged rows, client by client. */
export interface GapMeter {
  acknowledged(client: number): void;
  refused(why: string): void;
  broke(): void;
  /** Begins a new stretch. A gap that is open at this moment counts from its own beginning. */
  begin(): void;
  /** Whether every client has had a row acknowledged since that moment (`now()`). */
  allServedSince(moment: number): boolean;
  /** The stretch so far, open gaps included. */
  read(): Stretch;
}

/** Creates a meter for so many clients; their first gap begins now. */
export function createGapMeter(clients: number, { now = () => performance.now() } = {}): GapMeter {
  const last = new Array<number>(clients).fill(now());
  let longest = 0;
  let acknowledgedRows = 0;
  let refusedConnections = 0;
  let brokenSessions = 0;
  let refusals: Record<string, number> = {};
  return {
    acknowledged(client) {
      const at = now();
      longest = Math.max(longest, at - (last[client] ?? at));
      last[client] = at;
      acknowledgedRows += 1;
    },
    refused(why) {
      refusedConnections += 1;
      refusals[why] = (refusals[why] ?? 0) + 1;
    },
    broke() {
      brokenSessions += 1;
    },
    begin() {
      longest = acknowledgedRows = refusedConnections = brokenSessions = 0;
      refusals = {};
    },
    allServedSince: (moment) => last.every((time) => time > moment),
    read() {
      const at = now();
      const gapMs = Math.round(Math.max(longest, ...last.map((time) => at - time)));
      return { gapMs, acknowledgedRows, refusedConnections, brokenSessions, refusals };
    },
  };
}
