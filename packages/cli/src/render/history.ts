import type { GroupStatus, Term } from "@msdha/group";
import { describeBeginning, describeEnd, describeGap } from "./describe-term.ts";
import { formatDuration, formatTime } from "./duration.ts";
import { plain } from "./plain.ts";
import type { Style } from "./style.ts";
import { type Column, cutToWidth, renderTable } from "./table.ts";

const COLUMNS: readonly Column[] = [
  { title: "FROM", dropped: 0, atLeast: 20 },
  { title: "MASTER", dropped: 0, atLeast: 6 },
  { title: "FOR", dropped: 2, atLeast: 6 },
  { title: "GAP BEFORE", dropped: 3, atLeast: 8 },
  { title: "BEGAN", dropped: 4, atLeast: 10 },
  { title: "ENDED", dropped: 0, atLeast: 10 },
  { title: "TOKEN", dropped: 5, atLeast: 4 },
];

/** A note is a line of its own: no column is too narrow for it. */
const NOTE_INDENT = "  └ ";

/** Lists the masters so far, the newest first: when each began and ended, why, and what may be lost. */
export function renderHistory(
  { terms, master }: Pick<GroupStatus, "terms" | "master">,
  {
    now,
    width,
    style,
    count,
    notes = new Map(),
  }: {
    readonly now: number;
    readonly width: number;
    readonly style: Style;
    readonly count: number;
    /** What hooks noted, by token. */
    readonly notes?: ReadonlyMap<number, string>;
  },
): readonly string[] {
  if (terms.length === 0) return ["no master of this group is known"];
  const shown = terms.slice(0, count);
  const isCurrent = (term: Term): boolean => master.kind === "master" && master.token === term.token;
  const rows = shown.map((term, index) => [
    { text: formatTime(term.beganAt) },
    { text: plain(term.node, 253) },
    { text: describeLength(term, { now, isCurrent: isCurrent(term), next: terms[index - 1] }) },
    { text: describeGap(term, terms[index + 1]) ?? "not known" },
    {
      text:
        describeBeginning(term) +
        (term.losses === undefined ? "" : `; may have lost data: ${plain(term.losses)}`),
    },
    { text: describeEnd(term, { isCurrent: isCurrent(term) }) ?? "is master now" },
    { text: String(term.token) },
  ]);
  const [titles = "", ...lines] = renderTable(COLUMNS, rows, width);
  const noted = lines.flatMap((line, index) => {
    const note = notes.get(shown[index]?.token ?? 0);
    return note === undefined ? [line] : [line, cutToWidth(`${NOTE_INDENT}${plain(note)}`, width)];
  });
  return [style("dim", titles), ...noted];
}

/** A time whose end nobody wrote is at most as long as until the next one began. */
function describeLength(
  { beganAt, end }: Term,
  {
    now,
    isCurrent,
    next,
  }: { readonly now: number; readonly isCurrent: boolean; readonly next: Term | undefined },
): string {
  if (isCurrent) return formatDuration(now - beganAt);
  if (end?.at !== undefined) return formatDuration(end.at - beganAt);
  return next === undefined ? "not known" : `≤ ${formatDuration(next.beganAt - beganAt)}`;
}
