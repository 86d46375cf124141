/** How a run left what it had done, for the next run of the same run folder. */
export interface FormerEnd {
  /** `clean`: everything had ended and the `stopped` hook, where there was one, had done what it should. */
  readonly end: "clean" | "unclean";
  /** The state whose hook had begun last: `master` for a run that was promoted. */
  readonly state: string;
}

/** The text of the file `last_end`. */
export function writeEnd({ end, state }: FormerEnd): string {
  return `${end} ${state}\n`;
}

/** Undefined for a text that no run has written, as that of an empty file. */
export function readEnd(text: string): FormerEnd | undefined {
  const [, end, state] = /^(clean|unclean) ([a-z_]+)\n$/.exec(text) ?? [];
  return state !== undefined && (end === "clean" || end === "unclean") ? { end, state } : undefined;
}

/** What `pre_start` finds in its environment; empty values when nothing is known of a former run. */
export function formerEndEnvironment(former: FormerEnd | undefined): Readonly<Record<string, string>> {
  return { MSDHA_FORMER_END: former?.end ?? "", MSDHA_FORMER_STATE: former?.state ?? "" };
}
