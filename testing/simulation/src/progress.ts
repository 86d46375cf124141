import type { Result } from "./simulate.ts";

/** What has been simulated so far. */
export interface Tally {
  readonly seeds: number;
  readonly simulatedMs: number;
  readonly masters: number;
  readonly violations: readonly Result[];
  /** Wall-clock time since the beginning. */
  readonly elapsedMs: number;
}

/** Counts results and draws a bar of them, on a terminal in place and elsewhere a line now and then. */
export interface Progress {
  add(results: readonly Result[]): void;
  end(): void;
  readonly tally: Tally;
}

const WIDTH = 30;
const LINE_EVERY_MS = 30_000;
const HOUR_MS = 3_600_000;

export function createProgress(
  total: number,
  stream: { readonly isTTY?: boolean; write(text: string): unknown },
): Progress {
  const began = performance.now();
  let drawn = Number.NEGATIVE_INFINITY;
  let counts = { seeds: 0, simulatedMs: 0, masters: 0 };
  let violations: readonly Result[] = [];
  const tally = (): Tally => ({ ...counts, violations, elapsedMs: performance.now() - began });

  function draw(): void {
    const now = performance.now();
    if (!stream.isTTY && now - drawn < LINE_EVERY_MS) return;
    drawn = now;
    stream.write(stream.isTTY ? `\r${describe(tally(), total)}` : `${describe(tally(), total)}\n`);
  }

  return {
    add(results) {
      for (const { simulatedMs, masters } of results) {
        counts = {
          seeds: counts.seeds + 1,
          simulatedMs: counts.simulatedMs + simulatedMs,
          masters: counts.masters + masters,
        };
      }
      violations = [...violations, ...results.filter(({ violation }) => violation)];
      draw();
    },
    end() {
      if (stream.isTTY) stream.write("\n");
    },
    get tally() {
      return tally();
    },
  };
}

/** How many simulated hours pass in a second. */
export function rateOf({ simulatedMs, elapsedMs }: Tally): number {
  return simulatedMs / HOUR_MS / (elapsedMs / 1_000);
}

function describe(tally: Tally, total: number): string {
  const share = tally.seeds / total;
  const bar = "#".repeat(Math.round(share * WIDTH)).padEnd(WIDTH, ".");
  const left = share > 0 ? Math.round((tally.elapsedMs / 1_000) * (1 / share - 1)) : "?";
  return `[${bar}] ${tally.seeds}/${total} seeds, ${tally.violations.length} violations, ${rateOf(tally).toFixed(2)} h/s, ${left} s left `;
}
