/**
 * Leaves out lines before the last one, and says how many, so that a list fits a terminal of this height: what it begins with says
 * who is the master, and what it ends with says why.
 */
export function fitToHeight(lines: readonly string[], height: number): readonly string[] {
  if (lines.length <= height) return lines;
  // What does not fit one line goes on in indented ones.
  const last = lines.slice(lines.findLastIndex((line) => !line.startsWith(" ")));
  const head = lines.slice(0, Math.max(1, height - 1 - last.length));
  const left = lines.length - head.length - last.length;
  return [...head, `… ${left} more: msdha list`, ...last].slice(0, Math.max(1, height));
}
