/** Why a hook failed: it ended with a code other than 0, was ended by a signal, or took longer than it may. */
export type HookFailure =
  | { readonly kind: "exit"; readonly code: number }
  | { readonly kind: "signal"; readonly signal: NodeJS.Signals }
  | { readonly kind: "timeout"; readonly timeoutMs: number };

/** What is known of a run that has ended. */
export interface HookRun {
  /** From its start to its end, in ms on the clock. */
  readonly durationMs: number;
  /** The last lines that it wrote, of both streams, oldest first: 20 at most. */
  readonly lastLines: readonly string[];
}

/** A hook ran and failed. */
export class HookFailedError extends Error {
  override readonly name = "HookFailedError";
  readonly code = "ERR_HOOK_FAILED";
  readonly hook: string;
  readonly failure: HookFailure;
  readonly durationMs: number;
  readonly lastLines: readonly string[];

  constructor(hook: string, failure: HookFailure, { durationMs, lastLines }: HookRun = NOTHING_KNOWN) {
    super(`hook ${hook} ${describe(failure)}`);
    this.hook = hook;
    this.failure = failure;
    this.durationMs = durationMs;
    this.lastLines = lastLines;
  }
}

const NOTHING_KNOWN: HookRun = { durationMs: 0, lastLines: [] };

/** A hook exists but can't be run, or a hook that must exist does not. */
export class HookNotRunnableError extends Error {
  override readonly name = "HookNotRunnableError";
  readonly code = "ERR_HOOK_NOT_RUNNABLE";
  readonly hook: string;
  readonly file: string;
  /** The reason alone. */
  readonly why: string;

  constructor(hook: string, file: string, why: string, options?: ErrorOptions) {
    super(`hook ${hook} can't be run: ${why} (${file})`, options);
    this.hook = hook;
    this.file = file;
    this.why = why;
  }
}

function describe(failure: HookFailure): string {
  switch (failure.kind) {
    case "exit":
      return `ended with code ${failure.code}`;
    case "signal":
      return `was ended by ${failure.signal}`;
    case "timeout":
      return `took longer than ${failure.timeoutMs} ms`;
  }
}
