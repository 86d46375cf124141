/**
 * Leaves out lines before the last one, and says how many, so that a list fits a terminal of this height: what it begins with says
 * who is the master, and what it ends with says why.
 */
export function fitToHeight(lines: readonly string[], height: number): readonly string[] {
  if (lines.length <= height) return lines;
  const head = lines.slice(0, Math.max(1, height - 2));
  const last = lines.at(-1) ?? "";
  const left = lines.length - head.length - 1;
  return [...head, `… ${left} more: msdha list`, last].slice(0, Math.max(1, height));
}
