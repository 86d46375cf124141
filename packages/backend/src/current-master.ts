import type { Clock } from "@msdha/clock";
import type { Mastership } from "@msdha/group";
import type { Log } from "@msdha/log";
import type { RunFiles } from "./run-files.ts";

const AGAIN_MS = 1_000;

/**
 * Makes a function that has the files say who the master is. What can't be written (the disk is full) is tried again
 * every second until `signal` aborts: what the files say decides what hooks do, and nothing else may happen meanwhile.
 */
export function keepCurrentMaster(
  files: Pick<RunFiles, "setCurrentMaster">,
  mastership: () => Mastership,
  { clock, log, signal }: { readonly clock: Clock; readonly log: Log; readonly signal: AbortSignal },
): () => void {
  let trying = false;

  async function tryAgain(): Promise<void> {
    if (trying) return;
    trying = true;
    try {
      await clock.sleep(AGAIN_MS, { signal });
    } finally {
      trying = false;
    }
    write();
  }

  function write(): void {
    const master = mastership();
    files
      .setCurrentMaster(master.kind === "master" ? master : undefined)
      .catch((error: unknown) => {
        log.error({ err: error }, "can't write the current master's files; trying again");
        return tryAgain();
      })
      .catch(() => {});
  }
  return write;
}
