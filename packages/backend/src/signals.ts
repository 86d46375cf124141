const STOP = ["SIGTERM", "SIGINT"] as const;
const PASS = ["SIGHUP", "SIGUSR1", "SIGUSR2"] as const;

/** A repeated Ctrl-C within this time is one. */
const HASTE_AFTER_MS = 1_000;

export interface StopSignals {
  /** Aborts on the first SIGTERM or SIGINT. */
  readonly stop: AbortSignal;
  /**
   * Aborts when someone at a terminal presses Ctrl-C again, a second or more after the first request. Nothing else
   * hastens a stop: several tools send SIGTERM twice, and the program would be killed in its shutdown.
   */
  readonly haste: AbortSignal;
}

export interface StopSignalOptions {
  /** Milliseconds that only grow. */
  readonly now: () => number;
  /** Whether this process has a terminal, so that a SIGINT comes from a person. */
  readonly terminal: boolean;
  /** Called for each request that changes nothing. */
  readonly onRepeat: (signal: NodeJS.Signals) => void;
  readonly on?: (signal: NodeJS.Signals, act: () => void) => void;
}

/** Turns this process's signals into requests to stop. */
export function stopOnSignals({
  now,
  terminal,
  onRepeat,
  on = (signal, act) => void process.on(signal, act),
}: StopSignalOptions): StopSignals {
  const stop = new AbortController();
  const haste = new AbortController();
  let asked = 0;
  for (const signal of STOP) {
    on(signal, () => {
      if (!stop.signal.aborted) {
        asked = now();
        stop.abort(new Error(`asked to stop by ${signal}`));
      } else if (terminal && signal === "SIGINT" && now() - asked >= HASTE_AFTER_MS) {
        haste.abort(new Error("asked again by SIGINT from a terminal"));
      } else onRepeat(signal);
    });
  }
  // Until there is a program to pass them to, these must not end the node.
  for (const signal of PASS) on(signal, () => {});
  return { stop: stop.signal, haste: haste.signal };
}

/** Calls `pass` with each signal that is meant for the main process. */
export function passSignals(pass: (signal: NodeJS.Signals) => void): void {
  for (const signal of PASS) process.on(signal, () => pass(signal));
}
