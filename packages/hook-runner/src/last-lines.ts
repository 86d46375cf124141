const MOST_LINES = 20;

/** Keeps the last lines of an output. */
export function keepLastLines(): { add(line: string): void; readonly lines: readonly string[] } {
  const lines: string[] = [];
  return {
    add(line) {
      lines.push(line);
      if (lines.length > MOST_LINES) lines.shift();
    },
    get lines() {
      return [...lines];
    },
  };
}
