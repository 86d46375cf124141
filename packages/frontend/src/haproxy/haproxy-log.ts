import { printable } from "@msdha/settings";

export interface HaproxyLine {
  readonly level: "debug" | "info" | "warn" | "error";
  readonly text: string;
}

/** Syslog's levels: emerg, alert, crit, err, warning, notice, info, debug. */
const SYSLOG = ["error", "error", "error", "warn", "warn", "info", "info", "debug"] as const;
const STDERR: Readonly<Record<string, HaproxyLine["level"]>> = {
  ALERT: "error",
  WARNING: "warn",
  NOTICE: "info",
  DIAG: "debug",
};
/** What HAProxy says of the slots that we lead it through is no news, whatever level it gives it. */
const OURS = /^(?:Server be\/|(?:Proxy|Backend|Frontend|Paused|Stopping|Stopped|Pausing|Resuming) )/;
/** A session's line: client, time in brackets, frontend, backend/server. */
const SESSION = /^\S+:\d+ \[[^\]]+\] /;

/** Reads a line of HAProxy's log on standard output, which begins with its level: `<5>Server …`. */
export function readLogLine(line: string): HaproxyLine {
  const [, level, rest] = /^<(\d)>(.*)$/s.exec(line) ?? [];
  const text = printable((rest ?? line).trim(), { max: 1_000 });
  if (OURS.test(text)) return { level: "debug", text };
  if (SESSION.test(text)) return { level: "info", text };
  return { level: SYSLOG[Number(level)] ?? "info", text };
}

/** Reads a line that HAProxy writes to standard error: `[ALERT]    (71) : Starting frontend fe: …`. */
export function readErrorLine(line: string): HaproxyLine {
  const [, label, rest] = /^\[(\w+)\]\s+(?:\(\d+\)\s*)?:\s*(.*)$/s.exec(line) ?? [];
  const text = printable((rest ?? line).trim(), { max: 1_000 });
  if (OURS.test(text)) return { level: "debug", text };
  return { level: STDERR[label ?? ""] ?? "info", text };
}
