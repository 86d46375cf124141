const STOP = ["SIGTERM", "SIGINT"] as const;

/** `stop` aborts on the first SIGTERM or SIGINT, `hurry` on the second. */
export function stopOnSignals(): { readonly stop: AbortSignal; readonly hurry: AbortSignal } {
  const stop = new AbortController();
  const hurry = new AbortController();
  for (const signal of STOP) {
    process.on(signal, () => {
      const controller = stop.signal.aborted ? hurry : stop;
      controller.abort(new Error(`asked to stop by ${signal}`));
    });
  }
  // The terminal's end is no reason to cut everybody's sessions.
  process.on("SIGHUP", () => {});
  return { stop: stop.signal, hurry: hurry.signal };
}
