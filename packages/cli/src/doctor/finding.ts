/** What a check has found. */
export interface Finding {
  readonly level: "ok" | "warning" | "error";
  /** What was looked at, and what is. */
  readonly what: string;
  /** What it should be, and what to do; left out where all is well. */
  readonly todo?: string;
}

export function ok(what: string): Finding {
  return { level: "ok", what };
}

export function warning(what: string, todo: string): Finding {
  return { level: "warning", what, todo };
}

export function failure(what: string, todo: string): Finding {
  return { level: "error", what, todo };
}

/** Exit code by the worst: 0, 1 with a warning, 3 with an error. */
export function worstCode(findings: readonly Finding[]): 0 | 1 | 3 {
  if (findings.some(({ level }) => level === "error")) return 3;
  return findings.some(({ level }) => level === "warning") ? 1 : 0;
}
