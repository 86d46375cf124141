import type { Clock } from "@msdha/clock";
import { keepLastLines } from "./last-lines.ts";

/** What a hook may write at once, and then each second. A long line counts as several. */
const MOST = 10_000;
const MOST_PER_SECOND = 1_000;
const CHARACTERS_PER_LINE = 128;
const SECOND_MS = 1_000;

export type Stream = "stdout" | "stderr";

/** Passes on a hook's lines, as many as a log can take. */
export interface LineLimit {
  /** Looks at the clock: to be called before each piece of output, and not for each line. */
  look(): void;
  add(stream: Stream, line: string): void;
  /** Passes on what is left to be said. */
  end(): void;
}

/**
 * Leaves out what a hook writes beyond 10,000 lines at once and 1,000 lines a second: a hook that writes without a pause must not
 * keep its supervisor from anything else. Instead of what is left out, a line says how many there were, and the last of them follow.
 */
export function limitLines(
  onLine: (stream: Stream, line: string) => void,
  { clock }: { readonly clock: Clock },
): LineLimit {
  let room = MOST;
  let lookedAt = clock.now();
  let skipped = 0;
  let last = keepLastLines<{ readonly stream: Stream; readonly line: string }>();

  function flush(): void {
    if (skipped === 0) return;
    const { lines } = last;
    const [first] = lines;
    const missing = skipped - lines.length;
    if (first && missing > 0) onLine(first.stream, `(${missing} lines of output left out: too many at once)`);
    for (const { stream, line } of lines) onLine(stream, line);
    skipped = 0;
    last = keepLastLines();
  }

  return {
    look() {
      const seconds = Math.floor((clock.now() - lookedAt) / SECOND_MS);
      if (seconds < 1) return;
      lookedAt += seconds * SECOND_MS;
      flush();
      room = Math.min(room + seconds * MOST_PER_SECOND, MOST);
    },
    add(stream, line) {
      if (room > 0) {
        room -= 1 + Math.floor(line.length / CHARACTERS_PER_LINE);
        onLine(stream, line);
      } else {
        skipped += 1;
        last.add({ stream, line });
      }
    },
    end: flush,
  };
}
