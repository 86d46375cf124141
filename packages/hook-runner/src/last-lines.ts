const MOST_LINES = 20;

/** Keeps the last lines of an output. */
export function keepLastLines<T = string>(): { add(line: T): void; readonly lines: readonly T[] } {
  const lines: T[] = [];
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
