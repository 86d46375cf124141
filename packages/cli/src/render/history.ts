import type { GroupStatus, Term } from "@msdha/group";
import stringWidth from "string-width";
import { describeBeginning, describeEnd, describeGap } from "./describe-term.ts";
import { formatDuration, formatTime } from "./duration.ts";
import { plain } from "./plain.ts";
import type { Style } from "./style.ts";
import { type Cell, type Column, renderTable, wrapToWidth } from "./table.ts";

const COLUMNS: readonly Column[] = [
  { title: "FROM", dropped: 0, atLeast: 20 },
  { title: "MASTER", dropped: 0, atLeast: 6 },
  { title: "FOR", dropped: 2, atLeast: 6 },
  { title: "GAP BEFORE", dropped: 3, atLeast: 8 },
  { title: "BEGAN", dropped: 4, atLeast: 10 },
  { title: "ENDED", dropped: 0, atLeast: 10 },
  { title: "TOKEN", dropped: 5, atLeast: 4 },
];

/** What no column is wide enough for. */
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
  const describe = (term: Term): { readonly began: string; readonly ended: string } => ({
    began:
      describeBeginning(term) +
      (term.losses === undefined ? "" : `; may have lost data: ${plain(term.losses)}`),
    ended: describeEnd(term, { isCurrent: isCurrent(term) }) ?? "is master now",
  });
  const rows = (isWide: boolean): readonly (readonly Cell[])[] =>
    shown.map((term, index) => [
      { text: formatTime(term.beganAt) },
      { text: plain(term.node, 253) },
      { text: describeLength(term, { now, isCurrent: isCurrent(term), next: terms[index - 1] }) },
      { text: describeGap(term, terms[index + 1]) ?? "not known" },
      { text: isWide ? describe(term).began : "" },
      { text: isWide ? describe(term).ended : "" },
      { text: String(term.token) },
    ]);
  const whole = renderTable(COLUMNS, rows(true), Number.MAX_SAFE_INTEGER);
  const isWide = whole.every((line) => stringWidth(line) <= width);
  const [titles = "", ...lines] = isWide ? whole : renderTable(COLUMNS, rows(false), width);
  const noted = shown.flatMap((term, index) => {
    const { began, ended } = describe(term);
    const note = notes.get(term.token);
    const below = [
      ...(isWide ? [] : [`${began}; ${isCurrent(term) ? "" : "ended: "}${ended}`]),
      ...(note === undefined ? [] : [plain(note)]),
    ];
    return [lines[index] ?? "", ...below.flatMap((text) => wrapToWidth(NOTE_INDENT + text, width))];
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
