import stringWidth from "string-width";

/** A column: its title, and what there is to say about what happens when the terminal is too narrow. */
export interface Column {
  readonly title: string;
  /** Columns with the largest number go first. 0: it stays, and is cut. */
  readonly dropped: number;
  /** How narrow it may be made before the next column goes. */
  readonly atLeast: number;
}

export interface Cell {
  readonly text: string;
  /** Applied after it has been cut. */
  readonly style?: (text: string) => string;
}

const GAP = 2;

/**
 * Lays out rows in columns, as wide as `width` at most: drops whole columns first, then cuts the widest. Columns without
 * any text are left out. The first line has the titles.
 */
export function renderTable(
  columns: readonly Column[],
  rows: readonly (readonly Cell[])[],
  width: number,
): readonly string[] {
  let kept = columns.map((_, index) => index).filter((index) => rows.some((row) => row[index]?.text));
  const natural = columns.map(({ title }, index) =>
    Math.max(stringWidth(title), ...rows.map((row) => stringWidth(row[index]?.text ?? ""))),
  );
  const least = (index: number): number => Math.min(natural[index] ?? 0, columns[index]?.atLeast ?? 0);
  const sum = (of: (index: number) => number): number =>
    kept.reduce((total, index) => total + of(index) + GAP, -GAP);
  while (sum(least) > width) {
    const [next] = kept
      .filter((index) => (columns[index]?.dropped ?? 0) > 0)
      .sort((a, b) => (columns[b]?.dropped ?? 0) - (columns[a]?.dropped ?? 0));
    if (next === undefined) break;
    kept = kept.filter((index) => index !== next);
  }
  const widths = fitWidths(kept, natural, least, width - GAP * (kept.length - 1));
  const line = (cells: readonly (Cell | undefined)[]): string =>
    kept
      .map((index, place) => {
        const { text = "", style = (plain: string) => plain } = cells[index] ?? {};
        const cut = cutToWidth(text, widths[index] ?? 0);
        const padding = " ".repeat(Math.max(0, (widths[index] ?? 0) - stringWidth(cut)));
        return style(cut) + (place === kept.length - 1 ? "" : padding);
      })
      .join(" ".repeat(GAP))
      .trimEnd();
  return [line(columns.map(({ title }) => ({ text: title }))), ...rows.map(line)];
}

/** Narrows the widest column until all fit, but none below its least. */
function fitWidths(
  kept: readonly number[],
  natural: readonly number[],
  least: (index: number) => number,
  width: number,
): readonly number[] {
  const widths = [...natural];
  const total = (): number => kept.reduce((sum, index) => sum + (widths[index] ?? 0), 0);
  while (total() > width) {
    const [widest] = kept
      .filter((index) => (widths[index] ?? 0) > Math.max(1, least(index)))
      .sort((a, b) => (widths[b] ?? 0) - (widths[a] ?? 0));
    if (widest === undefined) break;
    widths[widest] = (widths[widest] ?? 1) - 1;
  }
  return widths;
}

/**
 * Breaks a text into lines of so many columns at most, between words where it can. The lines after the first begin with `indent`:
 * what would be cut is what an operator is to do.
 */
export function wrapToWidth(text: string, width: number, indent = "    "): readonly string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(/(?<= )(?=[^ ])/)) {
    if (line.trim() !== "" && stringWidth((line + word).trimEnd()) > width) {
      lines.push(line.trimEnd());
      line = indent;
    }
    line += word;
    while (stringWidth(line.trimEnd()) > width && width > stringWidth(indent) + 1) {
      const head = takeColumns(line, width);
      lines.push(head);
      line = indent + line.slice(head.length);
    }
  }
  return [...lines, line.trimEnd()];
}

function takeColumns(text: string, width: number): string {
  let kept = "";
  for (const { segment } of new Intl.Segmenter().segment(text)) {
    if (stringWidth(kept + segment) > width) break;
    kept += segment;
  }
  return kept;
}

/** Cuts a text to so many columns of a terminal, with `…` at its end if something is missing. */
export function cutToWidth(text: string, width: number): string {
  if (stringWidth(text) <= width) return text;
  return width > 0 ? `${takeColumns(text, width - 1)}…` : "";
}
