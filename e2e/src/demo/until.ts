import { setTimeout as sleep } from "node:timers/promises";

export interface UntilOptions {
  /** What is waited for, for people. */
  readonly what: string;
  /** How long it may take without any progress. */
  readonly patienceMs: number;
  /** How far things are, as a text: another text is progress. Without it there is none. */
  readonly progress?: () => string;
  /** Called with what is waited for when that takes long. */
  readonly say?: (line: string) => void;
}

const INTERVAL_MS = 20;
const SAY_AFTER_MS = 15_000;
/** Things that go round in circles look like progress. */
const MOST_PATIENCES = 8;

/** Resolves when the condition holds; rejects with one clear line when nothing has gone on for `patienceMs`. */
export async function until(
  condition: () => boolean | Promise<boolean>,
  { what, patienceMs, progress = () => "", say = () => {} }: UntilOptions,
): Promise<void> {
  const begun = performance.now();
  let since = begun;
  let saidAt = begun;
  let last = progress();
  while (!(await condition())) {
    const now = performance.now();
    const present = progress();
    if (present !== last) {
      last = present;
      since = now;
    }
    const waited = Math.round((now - begun) / 1_000);
    if (now - since > patienceMs)
      throw new Error(`waited ${waited} s in vain for ${what}${describe(present)}`);
    if (now - begun > MOST_PATIENCES * patienceMs)
      throw new Error(`waited ${waited} s for ${what}, which is not in sight${describe(present)}`);
    if (now - saidAt > SAY_AFTER_MS) {
      saidAt = now;
      say(`  waiting for ${what} (${waited} s)${describe(present)}`);
    }
    await sleep(INTERVAL_MS);
  }
}

function describe(progress: string): string {
  return progress === "" ? "" : `: ${progress}`;
}
