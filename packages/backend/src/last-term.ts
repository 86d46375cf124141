/** What a run leaves behind of its time as the master, for the next run of the same run folder. */
export interface FormerTerm {
  readonly token: number;
  readonly run: string;
  /** How it ended; undefined for a run that ended without a trace. */
  readonly end?: { readonly why: string; readonly at: number } | undefined;
}

/** The text of the file `last_term`. */
export function writeFormerTerm({ token, run, end }: FormerTerm): string {
  return `${JSON.stringify({ token, run, end })}\n`;
}

/** Undefined for a text that no run has written, as that of an empty file. */
export function readFormerTerm(text: string): FormerTerm | undefined {
  try {
    const { token, run, end } = JSON.parse(text) as Partial<Record<string, unknown>> & {
      readonly end?: { readonly why?: unknown; readonly at?: unknown };
    };
    if (typeof token !== "number" || !Number.isSafeInteger(token) || typeof run !== "string")
      return undefined;
    const isWhole = typeof end?.why === "string" && typeof end.at === "number";
    return { token, run, end: isWhole ? { why: String(end.why), at: Number(end.at) } : undefined };
  } catch {
    return undefined;
  }
}
