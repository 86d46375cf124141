import { formatLsn, type Lsn } from "./lsn.ts";

/** A standby, by its own server. */
export interface StandbyReport {
  readonly kind: "standby";
  /** The master that the group has; undefined where it has none. */
  readonly master: string | undefined;
  readonly replayed: Lsn;
  readonly received: Lsn;
  readonly timeline: number;
  readonly paused: boolean;
  /** The end of the master's log, where that is known. */
  readonly end: Lsn | undefined;
  /** It receives from that master now. */
  readonly streams: boolean;
}

/** A master, with the standbys that stream from it. */
export interface MasterReport {
  readonly kind: "master";
  readonly standbys: readonly string[];
}

/** A node whose server is not to be asked, and why. */
export interface OtherReport {
  readonly kind: "other";
  readonly note: string;
}

/** Returns the line of the `report` hook: the bytes that readers of this node do not see yet, or `-`, and a note. */
export function reportLine(report: StandbyReport | MasterReport | OtherReport, activity: string): string {
  if (report.kind === "other") return join("-", [activity || report.note]);
  if (report.kind === "master") return join("0", [describeStandbys(report.standbys), activity]);
  const { end, master, paused, received, replayed, streams, timeline } = report;
  const behind =
    master === undefined || end === undefined ? "-" : String(end > replayed ? end - replayed : 0);
  const source =
    master === undefined
      ? `no master; has the log up to ${formatLsn(received)} of timeline ${timeline}`
      : `${streams ? "streams from" : "receives nothing from"} ${master}`;
  return join(behind, [paused ? "replay paused" : "", source, activity]);
}

function describeStandbys(standbys: readonly string[]): string {
  return standbys.length === 0 ? "no standby streams" : `feeds ${standbys.join(" ")}`;
}

function join(behind: string, notes: readonly string[]): string {
  return `${behind} ${notes.filter((note) => note !== "").join(", ")}`.trimEnd();
}
