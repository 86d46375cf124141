/**
 * Returns the notes in a value of lines `TOKEN TEXT`, by token. The last line about a token counts; what is no such line is left out.
 */
export function parseNotes(value: string | undefined): ReadonlyMap<number, string> {
  const lines = (value ?? "").split("\n").map((line) => /^(\d{1,15}) (.+)$/.exec(line));
  return new Map(
    lines.flatMap((line): [number, string][] => (line ? [[Number(line[1]), line[2] ?? ""]] : [])),
  );
}
