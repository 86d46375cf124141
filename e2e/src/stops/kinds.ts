/** How a main process can be made, as the body of a `start` hook; `server` starts a server that flushes before it ends. */
export interface Kind {
  readonly name: string;
  readonly start: (server: (mode: string) => string) => string;
}

/** How long the servers take to flush, and what a stop may take. */
export const FLUSH_MS = 1_500;
export const STOP_SECONDS = 4;

const flushing = `slow:${FLUSH_MS}`;

export const kinds: readonly Kind[] = [
  { name: "exec'd", start: (server) => `exec ${server(flushing)}` },
  { name: "wrapper that dies", start: (server) => `${server(flushing)} & wait $!` },
  { name: "wrapper that ignores", start: (server) => `trap '' TERM; ${server(flushing)}` },
  { name: "wrapper that waits once", start: (server) => `trap : TERM; ${server(flushing)} & wait $!` },
  { name: "forks, and exits when asked", start: (server) => `setsid ${server(flushing)} & exec sleep 1000` },
  { name: "ignores SIGTERM", start: (server) => `exec ${server("ignore-term")}` },
  { name: "needs 30 s", start: (server) => `exec ${server("slow:30000")}` },
  { name: "dies at once", start: (server) => `exec ${server("plain")}` },
];
