const STOP = ["SIGTERM", "SIGINT"] as const;
const PASS = ["SIGHUP", "SIGUSR1", "SIGUSR2"] as const;

/** Aborts on the first SIGTERM or SIGINT; `again` is called on every further one. */
export function stopOnSignals({ again }: { readonly again: () => void }): AbortSignal {
  const stop = new AbortController();
  for (const signal of STOP) {
    process.on(signal, () => {
      if (stop.signal.aborted) again();
      else stop.abort(new Error(`asked to stop by ${signal}`));
    });
  }
  // Until there is a program to pass them to, these must not end the node.
  for (const signal of PASS) process.on(signal, () => {});
  return stop.signal;
}

/** Tells of the signals that are meant for the main process. */
export function passSignals(pass: (signal: NodeJS.Signals) => void): void {
  for (const signal of PASS) process.on(signal, () => pass(signal));
}
