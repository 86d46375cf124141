import { setTimeout as sleep } from "node:timers/promises";
import type { Child } from "@msdha/testkit";
import { bootTime } from "../support/boot-time.ts";

/** A program that is started again whenever it ends, as a container engine does it. */
export interface Restarted extends AsyncDisposable {
  /** The present process, or the one that has just ended. */
  readonly child: Child;
  readonly running: boolean;
  /** When the present one was started (boot-time clock, ms). */
  readonly startedAt: number;
}

export interface RestartOptions {
  readonly start: () => Child;
  /** How long it stays ended. */
  readonly delayMs: number;
  /** Called at every end, with the exit code or the signal's name. */
  readonly onExit: (code: number | string) => void;
}

export function keepRunning({ start, delayMs, onExit }: RestartOptions): Restarted {
  let wanted = true;
  let child = start();
  let startedAt = bootTime();

  const loop = (async () => {
    for (;;) {
      await child.exited;
      if (!wanted) return;
      onExit(child.exit?.code ?? child.exit?.signal ?? "unknown");
      await sleep(delayMs);
      if (!wanted) return;
      startedAt = bootTime();
      child = start();
    }
  })();

  return {
    get child() {
      return child;
    },
    get running() {
      return child.running;
    },
    get startedAt() {
      return startedAt;
    },
    async [Symbol.asyncDispose]() {
      wanted = false;
      await child.kill();
      await loop;
    },
  };
}
