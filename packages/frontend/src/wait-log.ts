import type { Clock } from "@msdha/clock";
import type { Log } from "@msdha/log";
import type { ConnectionWait } from "./proxy.ts";

/** Logs how many connections waited, once for all that waited together. Disposing ends that. */
export interface WaitLog extends Disposable {
  waited(wait: ConnectionWait): void;
}

/** How long no connection's wait must have ended before the line is written. */
const QUIET_MS = 1_000;

export function createWaitLog(log: Log, clock: Clock): WaitLog {
  const ended = new AbortController();
  let counted = { served: 0, in_vain: 0, left: 0, longestMs: 0 };
  let lastAt = 0;
  let writing = false;

  async function write(): Promise<void> {
    for (let quiet = 0; quiet < QUIET_MS; quiet = clock.now() - lastAt)
      await clock.sleep(QUIET_MS - quiet, { signal: ended.signal });
    const { served, in_vain: inVain, left, longestMs } = counted;
    counted = { served: 0, in_vain: 0, left: 0, longestMs: 0 };
    writing = false;
    log.info({ served, inVain, left, longestMs }, "connections have waited for a master");
  }

  return {
    waited({ outcome, waitedMs }) {
      counted[outcome] += 1;
      counted.longestMs = Math.max(counted.longestMs, waitedMs);
      lastAt = clock.now();
      if (writing) return;
      writing = true;
      write().catch(() => {});
    },
    [Symbol.dispose]: () => ended.abort(),
  };
}
